//! What everybody may look at: the status, the landing page, and what is not there.

use std::time::Duration;

use axum::Router;
use jean::testing::issuer::Fault;
use serde_json::{Value, json};

use crate::support::wire::{ask, get_json, json_of, text};
use crate::support::{BOTH, Db, RESOURCE, World};

const HTML: [(&str, &str); 1] = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];

/// The status, once it says so.
async fn status_becomes(router: &Router, status: &str) -> Value {
    let wait = async {
        loop {
            let report = get_json(router, "/status").await;
            if report["status"] == status {
                return report;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap_or_else(|_| panic!("it never becomes {status}"))
}

fn reason<'a>(report: &'a Value, component: &str) -> Option<&'a str> {
    let components = report["components"].as_array().expect("components");
    let found = components.iter().find(|found| found["name"] == component).expect("the component");
    assert_eq!(found["status"] == "failing", found.get("reason").is_some(), "a reason where it fails, none elsewhere");
    found["reason"].as_str()
}

#[tokio::test]
async fn a_server_whose_parts_work_is_ready() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let report = status_becomes(&world.router, "ready").await;
        assert_eq!(report["issuer"], world.origin);
        assert_eq!(report["resources"], json!([RESOURCE]));
        for component in ["database", "signing_keys", "upstream.idp", "clock"] {
            assert_eq!(reason(&report, component), None, "{db:?}");
        }
        let standards = report["standards"].as_array().expect("standards");
        for (name, at) in [("RFC 8414", "/.well-known/oauth-authorization-server"), ("RFC 7591", "/oauth/register")] {
            let standard = standards.iter().find(|standard| standard["name"] == name).expect("the standard");
            assert_eq!((&standard["met"], &standard["at"]), (&json!(true), &json!(format!("{}{at}", world.origin))));
        }
    }
}

#[tokio::test]
async fn the_status_is_json_for_programs_and_a_page_for_browsers() {
    let world = World::new().await;
    status_becomes(&world.router, "ready").await;
    for accept in [&[][..], &[("accept", "*/*")], &[("accept", "application/json")]] {
        let page = ask(&world.router, "GET", "/status", accept, "").await;
        assert_eq!(text(&page, "content-type"), "application/json");
        assert_eq!((text(&page, "vary"), text(&page, "cache-control")), ("accept", "no-store"));
    }
    let page = ask(&world.router, "GET", "/status", &HTML, "").await;
    assert_eq!((page.status.as_u16(), text(&page, "vary")), (200, "accept"));
    assert!(text(&page, "content-type").starts_with("text/html"));
    assert!(page.body.contains("Every part of it works.") && page.body.contains("Sign-in with Acme"), "{}", page.body);
    assert!(text(&page, "content-security-policy").contains("default-src 'none'"));
}

#[tokio::test]
async fn an_upstream_that_is_away_is_named_with_the_reason_and_the_rest_goes_on() {
    let world = World::new().await;
    world.issuer.misbehave(Fault::Down);
    let replica = world.replica().await;
    let router = replica.service();
    let report = status_becomes(&router, "partial").await;
    assert!(reason(&report, "upstream.idp").is_some_and(|reason| !reason.is_empty()));
    assert_eq!(reason(&report, "database"), None);
    let page = ask(&router, "GET", "/status", &HTML, "").await;
    assert!(page.body.contains("Something does not work") && page.body.contains("Not ready"), "{}", page.body);
    assert_eq!(ask(&router, "GET", "/healthz", &[], "").await.body, "ok\n", "the process itself serves");
    world.issuer.misbehave(None);
    status_becomes(&router, "ready").await;
}

#[tokio::test]
async fn a_database_that_is_away_is_named_without_its_words() {
    let world = World::on(Db::Sqlite, "").await;
    status_becomes(&world.router, "ready").await;
    world.jean.close().await;
    let report = status_becomes(&world.router, "partial").await;
    assert_eq!(reason(&report, "database"), Some("does not answer; the log says why"));
    assert_eq!(reason(&report, "signing_keys"), None);
    assert_eq!(ask(&world.router, "GET", "/healthz", &[], "").await.status, 200);
}

/// Tokens and revocations rest on clocks that agree.
#[tokio::test]
async fn a_replica_whose_clock_runs_ahead_is_named() {
    let world = World::new().await;
    world.sql("INSERT INTO replicas (id, at) VALUES ('ahead', 1800000011)").await;
    let wait = async {
        loop {
            let report = get_json(&world.router, "/status").await;
            if let Some(reason) = reason(&report, "clock") {
                return reason.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let reason = tokio::time::timeout(Duration::from_secs(5), wait).await.expect("it is noticed");
    assert!(reason.contains("11 s"), "{reason}");
}

#[tokio::test]
async fn the_landing_page_shows_the_address_to_paste() {
    for (url, paths) in [("http://localhost:8080", &["/"][..]), ("https://jean.example/v2", &["/v2", "/v2/"])] {
        let world = World::at(url, Db::Sqlite, "").await;
        for path in paths {
            let page = ask(&world.router, "GET", path, &[], "").await;
            assert_eq!(page.status, 200, "{path}");
            assert!(page.body.contains(&format!("<code class=\"copy\">{url}/mcp</code>")), "{}", page.body);
            assert!(page.body.contains("Read your data") && page.body.contains("Acme"), "{}", page.body);
        }
    }
}

#[tokio::test]
async fn the_landing_page_says_so_where_no_app_can_introduce_itself() {
    const CLOSED: &str = "set up can connect.";
    for (tables, closed) in [
        ("", false),
        ("[clients]\nregistration = false\n", false),
        ("[clients]\nregistration = false\ndocuments = false\n", true),
    ] {
        let world = World::with(tables).await;
        let page = ask(&world.router, "GET", "/", &[], "").await;
        assert_eq!(page.body.contains(CLOSED), closed, "{}", page.body);
    }
}

#[tokio::test]
async fn what_is_not_there_is_json_for_programs_and_a_page_for_browsers() {
    let world = World::new().await;
    for method in ["GET", "POST"] {
        let page = ask(&world.router, method, "/nowhere", &[], "").await;
        assert_eq!(page.status, 404);
        assert_eq!(json_of(&page)["error"], "invalid_request");
    }
    let page =
        ask(&world.router, "GET", "/<script>alert(1)</script>".replace(['<', '>'], "%3C").as_str(), &HTML, "").await;
    assert_eq!(page.status, 404);
    assert!(page.body.contains("There is nothing here") && !page.body.contains("<script"), "{}", page.body);
}

/// Whoever asks for support can name the request.
#[tokio::test]
async fn every_answer_has_a_request_id_and_error_pages_show_it() {
    let world = World::new().await;
    let mut seen = std::collections::HashSet::new();
    for (method, path) in
        [("GET", "/"), ("GET", "/nowhere"), ("POST", "/oauth/token"), ("POST", "/mcp"), ("GET", "/oauth/authorize")]
    {
        for headers in [&[][..], &HTML] {
            let page = ask(&world.router, method, path, headers, "").await;
            let id = text(&page, "x-request-id").to_owned();
            assert!(id.len() >= 8 && seen.insert(id.clone()), "{method} {path}: {id:?}");
            assert_eq!(text(&page, "x-content-type-options"), "nosniff", "{method} {path}");
            if text(&page, "content-type").starts_with("text/html") && page.status != 200 {
                assert!(page.body.contains(&id), "{method} {path}: {}", page.body);
            }
        }
    }
    let forged = ask(&world.router, "GET", "/nowhere", &[("x-request-id", "forged")], "").await;
    assert_ne!(text(&forged, "x-request-id"), "forged", "the id is ours");
}
