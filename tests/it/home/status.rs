//! What everybody may look at: the status, the landing page, and what is not there.

use std::time::Duration;

use axum::Router;
use jean_testing::issuer::Fault;
use serde_json::{Value, json};

use crate::support::log::Log;
use crate::support::losable::Losable;
use crate::support::wire::{ask, json_of, text};
use crate::support::{BOTH, Db, RESOURCE, World};

const HTML: [(&str, &str); 1] = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];

/// A look at the status that is not a remembered one.
async fn look(world: &World, router: &Router) -> Value {
    world.clock.advance(2);
    let page = ask(router, "GET /status", &[], "").await;
    let report = json_of(&page);
    assert_eq!(page.status == 503, report["status"] == "failing", "{}: {report}", page.status);
    assert!(page.status == 200 || page.status == 503, "{}", page.status);
    report
}

/// The status, once it says so.
async fn status_becomes(world: &World, router: &Router, status: &str) -> Value {
    let wait = async {
        loop {
            let report = look(world, router).await;
            if report["status"] == status {
                return report;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap_or_else(|_| panic!("it never becomes {status}"))
}

/// Status and body of `/readyz`, which is the same for HEAD.
async fn readiness(router: &Router) -> (u16, String) {
    let page = ask(router, "GET /readyz", &[], "").await;
    assert_eq!(text(&page, "cache-control"), "no-store");
    let head = ask(router, "HEAD /readyz", &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (page.status, ""), "{}", page.body);
    (page.status.as_u16(), page.body)
}

/// Waits until it is ready or not, at most ten seconds, and gives the words.
async fn readiness_becomes(router: &Router, status: u16) -> String {
    let wait = async {
        loop {
            match readiness(router).await {
                (is, words) if is == status => return words,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
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
        let report = status_becomes(&world, &world.router, "ready").await;
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
    status_becomes(&world, &world.router, "ready").await;
    for accept in [&[][..], &[("accept", "*/*")], &[("accept", "application/json")]] {
        let page = ask(&world.router, "GET /status", accept, "").await;
        assert_eq!(text(&page, "content-type"), "application/json");
        assert_eq!((text(&page, "vary"), text(&page, "cache-control")), ("accept", "no-store"));
    }
    let page = ask(&world.router, "GET /status", &HTML, "").await;
    assert_eq!((page.status.as_u16(), text(&page, "vary")), (200, "accept"));
    assert!(text(&page, "content-type").starts_with("text/html"));
    assert!(page.body.contains("Every part works.") && page.body.contains("Sign-in with Acme"), "{}", page.body);
    assert!(text(&page, "content-security-policy").contains("default-src 'none'"));
}

/// A provider's host name or the words of a library tell a stranger about an inner network.
#[tokio::test]
async fn an_upstream_that_is_away_is_named_without_an_address_and_the_log_says_why() {
    let log = Log::new();
    for (fault, why) in [
        (Some(Fault::Down), "it answered 500"),
        (Some(Fault::WrongIssuerInDiscovery), "unexpected issuer URI"),
        (None, "https://sso.inner.invalid"),
    ] {
        let world = World::new().await;
        let config = match fault {
            Some(_) => world.config.clone(),
            None => world.config.replace(world.issuer.url(), "https://sso.inner.invalid"),
        };
        world.issuer.misbehave(fault);
        let router = world.start(&config).await.expect("jean starts").service();
        let report = status_becomes(&world, &router, "failing").await;
        assert_eq!(reason(&report, "upstream.idp"), Some("does not answer; the log says why"));
        let page = ask(&router, "GET /status", &HTML, "").await;
        for told in [report.to_string(), page.body] {
            for theirs in [world.issuer.url(), "sso.inner", "127.0.0.1", "error", "500", "unexpected", "dns"] {
                assert!(!told.contains(theirs), "{theirs}: {told}");
            }
        }
        let away = log.lines_with("the provider is away");
        assert!(away.last().is_some_and(|line| line.contains(why)), "{why}: {}", log.text());
    }
}

#[tokio::test]
async fn while_every_upstream_is_away_the_status_is_503_and_the_rest_goes_on() {
    let world = World::new().await;
    world.issuer.misbehave(Fault::Down);
    let replica = world.replica().await;
    let router = replica.service();
    let report = status_becomes(&world, &router, "failing").await;
    assert_eq!(reason(&report, "database"), None);
    let page = ask(&router, "GET /status", &HTML, "").await;
    assert_eq!(page.status, 503);
    assert!(
        page.body.contains("People cannot sign in at the moment") && page.body.contains("Not ready"),
        "{}",
        page.body
    );
    let head = ask(&router, "HEAD /status", &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (503, ""));
    assert_eq!(ask(&router, "GET /healthz", &[], "").await.body, "ok\n", "the process itself serves");
    assert_eq!(readiness(&router).await, (200, "ready\n".to_owned()), "other servers would do no better");
    world.issuer.misbehave(None);
    status_becomes(&world, &router, "ready").await;
}

#[tokio::test]
async fn while_one_of_two_upstreams_answers_the_status_is_200() {
    let (world, other) = (World::new().await, World::new().await);
    let table = format!("[upstream.other]\nkind = \"oidc\"\nissuer = \"{}\"\nclient_id = \"x\"\n", other.issuer.url());
    other.issuer.misbehave(Fault::Down);
    let router = world.replica_with(&table).await.service();
    let both_asked = async {
        loop {
            let report = status_becomes(&world, &router, "partial").await;
            let said = [reason(&report, "upstream.idp"), reason(&report, "upstream.other")];
            if !said.contains(&Some("was not asked yet")) {
                return report;
            }
        }
    };
    let report = tokio::time::timeout(Duration::from_secs(10), both_asked).await.expect("both are asked");
    assert_eq!((&report["status"], reason(&report, "upstream.idp")), (&json!("partial"), None));
    assert_eq!(reason(&report, "upstream.other"), Some("does not answer; the log says why"));
}

#[tokio::test]
async fn while_the_database_is_away_the_status_is_503_without_its_words_and_each_look_is_short() {
    for db in BOTH {
        let losable = Losable::new(db).await;
        let router = losable.world.router.clone();
        status_becomes(&losable.world, &router, "ready").await;
        losable.lose().await;
        let world = &losable.world;
        let report = status_becomes(world, &router, "failing").await;
        assert_eq!(reason(&report, "database"), Some("does not answer; the log says why"), "{db:?}");
        assert_eq!(reason(&report, "signing_keys"), None, "{db:?}");
        for _ in 0..3 {
            let before = tokio::time::Instant::now();
            look(world, &router).await;
            assert!(before.elapsed() < Duration::from_millis(1500), "{db:?}: {:?}", before.elapsed());
        }
        assert_eq!(ask(&router, "GET /healthz", &[], "").await.status, 200, "{db:?}");
    }
}

/// Anyone may ask, as often as they like.
#[tokio::test]
async fn one_look_serves_all_who_ask_within_two_seconds() {
    let world = World::new().await;
    status_becomes(&world, &world.router, "ready").await;
    look(&world, &world.router).await;
    world.jean.close().await;
    let remembered = ask(&world.router, "GET /status", &[], "").await;
    assert_eq!((remembered.status.as_u16(), &json_of(&remembered)["status"]), (200, &json!("ready")));
    let page = ask(&world.router, "GET /status", &HTML, "").await;
    assert_eq!(page.status, 200, "the page is of the same look");
    world.clock.advance(1);
    assert_eq!(ask(&world.router, "GET /status", &[], "").await.status, 200);

    world.clock.advance(1);
    let log = Log::new();
    let mut asks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let router = world.router.clone();
        asks.spawn(async move { ask(&router, "GET /status", &[], "").await.status });
    }
    assert!(asks.join_all().await.iter().all(|status| *status == 503));
    assert_eq!(log.lines_with("the database does not answer").len(), 1, "one look: {}", log.text());
}

#[tokio::test]
async fn a_server_is_ready_while_its_database_is_away_until_the_guard_may_not_go_on() {
    for db in BOTH {
        let losable = Losable::new(db).await;
        let router = losable.world.router.clone();
        assert_eq!(readiness(&router).await, (200, "ready\n".to_owned()), "{db:?}: at once after the start");
        losable.lose().await;
        let world = &losable.world;
        status_becomes(world, &router, "failing").await;
        assert_eq!(readiness(&router).await.0, 200, "{db:?}: no other server would do better");
        world.clock.advance(61);
        let before = tokio::time::Instant::now();
        let told = readiness(&router).await;
        assert_eq!(told, (503, "not ready: the revocations have not been read for too long\n".to_owned()), "{db:?}");
        assert!(before.elapsed() < Duration::from_secs(4), "{db:?}: twice: {:?}", before.elapsed());
    }
}

/// A process that slept reads the revocations at once; that is no reason to be taken out of service.
#[tokio::test]
async fn a_server_that_slept_is_ready() {
    let world = World::with("[guard]\nmax_staleness = \"0s\"\n").await;
    for seconds in [1, 61, 24 * 3600] {
        world.clock.advance(seconds);
        assert_eq!(readiness(&world.router).await.0, 200, "{seconds}");
    }
}

#[tokio::test]
async fn a_server_without_a_key_that_may_sign_is_not_ready() {
    for db in BOTH {
        let world = World::on(db, "").await;
        for purpose in ["access", "id"] {
            readiness_becomes(&world.router, 200).await;
            let revoke =
                format!("UPDATE signing_keys SET revoked_at = 1 WHERE purpose = '{purpose}' AND revoked_at = 0");
            // Again and again: just after its start jean looks for a key that is missing, and makes it.
            let wait = async {
                loop {
                    world.sql(&revoke).await;
                    match readiness(&world.router).await {
                        (503, words) => return words,
                        _ => tokio::time::sleep(Duration::from_millis(50)).await,
                    }
                }
            };
            let words = tokio::time::timeout(Duration::from_secs(10), wait).await.expect("no key may sign");
            assert_eq!(words, "not ready: no key may sign\n", "{db:?}");
            let report = look(&world, &world.router).await;
            assert_eq!((&report["status"], reason(&report, "database")), (&json!("failing"), None), "{db:?}");
            world.sql("UPDATE signing_keys SET revoked_at = 0").await;
        }
    }
}

#[tokio::test]
async fn a_server_that_is_being_stopped_is_not_ready_and_answers_all_the_same() {
    let world = World::new().await;
    let (home, client) = (world.jean.home(), world.client().await);
    assert_eq!(readiness(&home).await.0, 200);
    world.jean.drain();
    for router in [&world.router, &home, &world.jean.service()] {
        assert_eq!(readiness(router).await, (503, "not ready: this server is being stopped\n".to_owned()));
        assert_eq!(ask(router, "GET /healthz", &[], "").await.status, 200);
    }
    assert_eq!(client.post_json("/oauth/register", &client.metadata()).await.status, 201);
}

/// Tokens and revocations rest on clocks that agree.
#[tokio::test]
async fn a_replica_whose_clock_runs_ahead_is_named() {
    let world = World::on(Db::Postgres, "").await;
    world.sql("INSERT INTO replicas (id, at) VALUES ('ahead', 1800000111)").await;
    let wait = async {
        loop {
            let report = look(&world, &world.router).await;
            if let Some(reason) = reason(&report, "clock") {
                return reason.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let reason = tokio::time::timeout(Duration::from_secs(5), wait).await.expect("it is noticed");
    // The test's own clock has moved on by two seconds a look.
    let seconds = reason.strip_prefix("another replica's clock is ").and_then(|rest| rest.strip_suffix(" s ahead"));
    assert!(seconds.and_then(|seconds| seconds.parse().ok()).is_some_and(|seconds: i64| seconds > 10), "{reason}");
}

#[tokio::test]
async fn the_landing_page_shows_the_address_to_paste() {
    for (url, paths) in [("http://localhost:8080", &["/"][..]), ("https://jean.example/v2", &["/v2", "/v2/"])] {
        let world = World::at(url, Db::Sqlite, "").await;
        for path in paths {
            let page = ask(&world.router, &format!("GET {path}"), &[], "").await;
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
        let page = ask(&world.router, "GET /", &[], "").await;
        assert_eq!(page.body.contains(CLOSED), closed, "{}", page.body);
    }
}

#[tokio::test]
async fn what_is_not_there_is_json_for_programs_and_a_page_for_browsers() {
    let world = World::new().await;
    for method in ["GET", "POST"] {
        let page = ask(&world.router, &format!("{method} /nowhere"), &[], "").await;
        assert_eq!(page.status, 404);
        assert_eq!(json_of(&page)["error"], "invalid_request");
    }
    // The page does not repeat the address: it may be anybody's words.
    for path in ["/your-account-is-locked-call-555-0100", "/%3Cscript%3Ealert(1)%3C/script%3E"] {
        let page = ask(&world.router, &format!("GET {path}"), &HTML, "").await;
        assert_eq!(page.status, 404);
        assert!(page.body.contains("Page not found"), "{}", page.body);
        for word in [path, "555-0100", "alert", "<script"] {
            assert!(!page.body.contains(word), "{word}: {}", page.body);
        }
    }
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
            let page = ask(&world.router, &format!("{method} {path}"), headers, "").await;
            let id = text(&page, "x-request-id").to_owned();
            assert!(id.len() >= 8 && seen.insert(id.clone()), "{method} {path}: {id:?}");
            assert_eq!(text(&page, "x-content-type-options"), "nosniff", "{method} {path}");
            if text(&page, "content-type").starts_with("text/html") && page.status != 200 {
                assert!(page.body.contains(&id), "{method} {path}: {}", page.body);
            }
        }
    }
    let forged = ask(&world.router, "GET /nowhere", &[("x-request-id", "forged")], "").await;
    assert_ne!(text(&forged, "x-request-id"), "forged", "the id is ours");
}
