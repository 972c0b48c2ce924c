//! Clients that are known by a metadata document (draft-ietf-oauth-client-id-metadata-document-02), end to end.

use jean_testing::browser::Browser;
use jean_testing::document::{Answer, DocumentHost};
use serde_json::{Value, json};

use crate::support::browsing::{answer_to, asks, assert_page, consent_page, error_to};
use crate::support::documents::{CLAUDE, PATH, fetches, opened, tokens};
use crate::support::wire::{ask, get_json};
use crate::support::{BOTH, Db, World, code_of};

#[tokio::test]
async fn a_client_needs_nothing_but_its_document() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (host, client) = world.document_client().await;
        let mut browser = world.browser();
        let page = consent_page(&client, &mut browser, &[]).await;
        let authority = host.url("").trim_start_matches("http://").to_owned();
        assert!(page.body.contains(&authority) && page.body.contains("Scripted client"), "{}", page.body);
        let page = client.authorize(&mut browser, &[]).await;
        let tokens = client.redeem(&answer_to(&page, &client)["code"], &[]).await;
        assert_eq!(tokens.status, 200, "{}", tokens.json);
        assert_eq!(client.whoami(tokens.access()).await.status, 200);
        let refreshed = client.refresh(tokens.refresh(), &[]).await;
        assert_eq!(refreshed.status, 200, "{}", refreshed.json);
        assert_eq!(client.revoke(refreshed.refresh()).await.status, 200);
        assert_eq!(client.refresh(refreshed.refresh(), &[]).await.error(), "invalid_grant");
        // All of that with one look at the document.
        assert_eq!(fetches(&host), 1);
        let request = &host.requests_to(PATH)[0];
        assert!(!request.contains_key("cookie") && !request.contains_key("referer"), "{request:?}");
    }
}

#[tokio::test]
async fn the_metadata_tells_whether_documents_are_known() {
    let document = "/.well-known/oauth-authorization-server";
    let on = World::new().await;
    assert_eq!(get_json(&on.router, document).await["client_id_metadata_document_supported"], json!(true));
    let off = World::with("[clients]\ndocuments = false").await;
    assert_eq!(get_json(&off.router, document).await.get("client_id_metadata_document_supported"), None);
    let (host, client) = off.document_client().await;
    assert_page(&opened(&off, &client).await, 400, "not known here");
    let refused = client.redeem("jc1_x.y", &[]).await;
    assert_eq!((refused.status.as_u16(), refused.error()), (401, "invalid_client"));
    assert_eq!(fetches(&host), 0);
}

#[tokio::test]
async fn a_document_that_breaks_a_rule_is_told_to_the_person_and_to_the_client() {
    let world = World::new().await;
    let host = DocumentHost::start().await.unwrap();
    let with = |path: &str, changes: Value| {
        let mut client = world.stranger();
        let mut document = client.document(&host.url(path));
        for (name, value) in changes.as_object().unwrap() {
            document[name] = value.clone();
        }
        (client, document)
    };
    let good = |path: &str| Answer::json(&with(path, json!({})).1);
    let padded = |path: &str, size: usize| {
        let text = with(path, json!({})).1.to_string();
        Answer { body: format!("{text}{}", " ".repeat(size - text.len())), ..good(path) }
    };
    let cases: Vec<(&str, Answer, u16, &str)> = vec![
        ("/other", good("/client.json"), 400, "not the document&#39;s own address"),
        ("/slash", good("/slash/"), 400, "not the document&#39;s own address"),
        ("/list", Answer { body: "[]".into(), ..good("/list") }, 400, "not a JSON object"),
        (
            "/secret",
            Answer::json(&with("/secret", json!({ "client_secret": "x" })).1),
            400,
            "client_secret must not be",
        ),
        (
            "/shared",
            Answer::json(&with("/shared", json!({ "token_endpoint_auth_method": "client_secret_post" })).1),
            400,
            "shared secret",
        ),
        ("/name", Answer::json(&with("/name", json!({ "client_name": null })).1), 400, "client_name is missing"),
        (
            "/uris",
            Answer::json(&with("/uris", json!({ "redirect_uris": ["http://a.example/"] })).1),
            400,
            "must be https",
        ),
        ("/html", good("/html").with("content-type", "text/html"), 400, "media type"),
        ("/moved", Answer::status(302).with("location", &host.url("/good")), 400, "answered 302 instead of 200"),
        ("/gone", Answer::status(404), 400, "answered 404 instead of 200"),
        ("/large", padded("/large", 5 * 1024 + 1), 400, "larger than 5120 bytes"),
        ("/guarded", Answer::status(403), 503, "answered 403 instead of 200"),
        ("/away", Answer::status(502), 503, "answered 502 instead of 200"),
    ];
    host.serve("/good", good("/good"));
    for (path, answer, status, why) in cases {
        host.serve(path, answer);
        let (client, _) = with(path, json!({}));
        let page = opened(&world, &client).await;
        assert_page(&page, status, why);
        let title = match path {
            "/guarded" | "/away" => "cannot be reached just now",
            "/html" | "/moved" | "/gone" | "/large" => "does not describe the app",
            _ => "This server cannot accept what",
        };
        assert!(page.body.contains(title), "{path}: {}", page.body);
        assert!(page.body.contains(&host.url("")["http://".len()..]), "the host is named: {}", page.body);
        let refused = client.redeem("jc1_x.y", &[]).await;
        let expected = if status == 400 { (401, "invalid_client") } else { (503, "temporarily_unavailable") };
        assert_eq!((refused.status.as_u16(), refused.error()), expected, "{path}: {}", refused.json);
        assert_eq!(host.requests_to(path).len(), 1, "{path} is not asked for twice at once");
    }
    assert!(host.requests_to("/good").is_empty(), "no redirect is followed");
    host.serve("/full", padded("/full", 5 * 1024));
    assert!(asks(&opened(&world, &with("/full", json!({})).0).await));
}

#[tokio::test]
async fn an_address_that_breaks_a_rule_is_not_asked() {
    let world = World::new().await;
    for (id, why) in [
        ("http://client.example/a", "https://"),
        ("https://client.example", "has no path"),
        ("https://client.example/b/../a", "dot segment"),
        ("https://client.example/b/%2e%2e/a", "dot segment"),
        ("https://u:p@client.example/a", "a user or a password"),
        ("https://client.example/a#b", "a fragment"),
        ("https://Client.example/a", "normal form"),
        ("https://10.0.0.1/a", "its address is not a public one"),
        ("https://169.254.169.254/latest/meta-data", "its address is not a public one"),
        ("https://[fd00::1]/a", "its address is not a public one"),
        ("http://localhost.example/a", "https://"),
    ] {
        let mut client = world.stranger();
        client.id = id.to_owned();
        let page = opened(&world, &client).await;
        assert_page(&page, 400, why);
        let refused = client.redeem("jc1_x.y", &[]).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (401, "invalid_client"), "{id}");
    }
    let mut nobody = world.stranger();
    nobody.id = "https://client.example/a".into();
    assert_page(&opened(&world, &nobody).await, 503, "cannot be reached");
}

#[tokio::test]
async fn a_document_on_this_computer_is_only_for_a_server_on_this_computer() {
    let world = World::at("https://mcp.example.com", Db::Sqlite, "").await;
    let (host, client) = world.document_client().await;
    assert_page(&opened(&world, &client).await, 400, "on this computer");
    let listening = World::with("").await;
    let open = listening.start(&format!("listen = \"0.0.0.0:8080\"\n{}", listening.config)).await.unwrap();
    let client = client.at(&listening.public_url, open.service());
    let mut browser = Browser::new(listening.origin.clone(), open.service());
    let page = browser.get(&client.authorization_url(&[])).await;
    assert_page(&page, 400, "on this computer");
    assert_eq!(fetches(&host), 0);
}

#[tokio::test]
async fn the_operator_limits_whose_documents_count() {
    let world = World::with("[clients]\ndocument_hosts = [\"*.example.com\", \"claude.ai\"]").await;
    let (host, client) = world.document_client().await;
    assert_page(&opened(&world, &client).await, 403, "not among those whose apps may connect");
    let refused = client.redeem("jc1_x.y", &[]).await;
    assert_eq!((refused.status.as_u16(), refused.error()), (401, "invalid_client"));
    assert_eq!(fetches(&host), 0);
    let mut claude = world.stranger();
    claude.id = CLAUDE.into();
    claude.redirect_uri = "https://claude.ai/api/mcp/auth_callback".into();
    assert!(asks(&opened(&world, &claude).await));
}

/// <https://github.com/jlowin/fastmcp/issues/3098>: patterns of redirect URIs, this time by a document.
#[tokio::test]
async fn a_document_s_redirect_uris_are_no_patterns() {
    let world = World::new().await;
    let (host, mut client) = world.document_client().await;
    let mut document = client.document(&host.url(PATH));
    document["redirect_uris"] =
        json!(["https://app.example/cb/", "http://localhost/callback", "http://127.0.0.1:8000/callback"]);
    host.serve(PATH, Answer::json(&document));
    for good in ["https://app.example/cb/", "http://localhost:9999/callback", "http://127.0.0.1/callback"] {
        client.redirect_uri = good.into();
        assert!(asks(&opened(&world, &client).await), "{good}");
    }
    for bad in [
        "https://app.example/cb/../evil",
        "https://app.example/cb/%2e%2e/evil",
        "https://app.example/cb/x",
        "https://app.example/cb",
        "https://app.example/CB/",
        "https://APP.example/cb/",
        "https://app.example./cb/",
        "https://u@app.example/cb/",
        "https://app.example/cb/#x",
        "https://app.example:8443/cb/",
        "http://localhost.example.com/callback",
        "http://127.0.0.1.example.com/callback",
        "http://localhost/callback/x",
        "http://[::1]/callback",
    ] {
        client.redirect_uri = bad.into();
        assert_page(&opened(&world, &client).await, 400, "wrong place");
    }
    for (i, pattern) in
        ["https://*.app.example/cb", "https://app.example/*", "http://localhost:*/cb"].iter().enumerate()
    {
        let path = format!("/pattern{i}");
        let mut document = client.document(&host.url(&path));
        document["redirect_uris"] = json!([pattern]);
        host.serve(&path, Answer::json(&document));
        client.redirect_uri = "https://evil.app.example/cb".into();
        assert_eq!(opened(&world, &client).await.status, 400, "{pattern}");
    }
}

/// <https://github.com/cloudflare/workers-oauth-provider/pull/299>: one client id for all installations.
#[tokio::test]
async fn revoking_one_grant_leaves_the_others_of_the_same_client() {
    let world = World::new().await;
    let (_host, client) = world.document_client().await;
    let (laptop, phone) = (tokens(&world, &client).await, tokens(&world, &client).await);
    assert_eq!(client.revoke(laptop.refresh()).await.status, 200);
    assert_eq!(client.refresh(laptop.refresh(), &[]).await.error(), "invalid_grant");
    assert_eq!(client.whoami(laptop.access()).await.status, 401);
    assert_eq!(client.whoami(phone.access()).await.status, 200);
    assert_eq!(client.refresh(phone.refresh(), &[]).await.status, 200);
}

#[tokio::test]
async fn only_a_method_that_the_document_lists_lets_a_client_in() {
    let world = World::new().await;
    let (host, mut client) = world.document_client().await;
    let mut document = client.document(&host.url(PATH));
    document["jwks_uri"] = host.url("/jwks.json").into();
    document["token_endpoint_auth_method"] = "private_key_jwt".into();
    // As ChatGPT's document has it: then a public client may be one.
    document["token_endpoint_auth_methods_supported"] = json!(["none", "private_key_jwt"]);
    host.serve(PATH, Answer::json(&document));
    let tokens = tokens(&world, &client).await;
    for (secret, method) in [("x", "client_secret_post"), ("x", "client_secret_basic")] {
        let mut with_secret = client.clone();
        with_secret.secret = Some(secret.into());
        with_secret.auth_method = method.into();
        let refused = with_secret.refresh(tokens.refresh(), &[]).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (401, "invalid_client"), "{method}");
    }
    assert_eq!(client.refresh(tokens.refresh(), &[]).await.status, 200);
    for listed in [json!(["private_key_jwt"]), json!(null)] {
        document["token_endpoint_auth_methods_supported"] = listed;
        host.serve(PATH, Answer::json(&document));
        world.clock.advance(61);
        let page = client.authorize(&mut world.browser(), &[]).await;
        let refused = client.redeem(&code_of(&page), &[]).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (401, "invalid_client"), "{}", refused.json);
    }
}

#[tokio::test]
async fn a_changed_document_asks_again() {
    let world = World::with("[clients]\nremember_consent = true").await;
    let (host, mut client) = world.document_client().await;
    let mut browser = world.browser();
    code_of(&client.authorize(&mut browser, &[]).await);
    let url = client.authorization_url(&[]);
    assert!(answer_to(&browser.get(&url).await, &client).contains_key("code"), "it is remembered");
    let mut document = client.document(&host.url(PATH));
    document["software_version"] = "2".into();
    host.serve(PATH, Answer::json(&document));
    world.clock.advance(61);
    assert!(browser.get(&url).await.leads_to().is_some(), "what nobody reads asks nobody");
    document["redirect_uris"] = json!([client.redirect_uri, "https://elsewhere.example/callback"]);
    host.serve(PATH, Answer::json(&document));
    world.clock.advance(61);
    let page = browser.get(&url).await;
    assert!(asks(&page), "{page:?}");
    // And a page that was drawn before the change gives nothing.
    document["redirect_uris"] = json!([client.redirect_uri]);
    host.serve(PATH, Answer::json(&document));
    world.clock.advance(61);
    let page = browser.press(&page, "allow").await;
    assert!(asks(&page) && page.leads_to().is_none(), "{page:?}");
}

#[tokio::test]
async fn an_error_goes_at_once_only_to_a_client_that_somebody_allowed() {
    let world = World::new().await;
    let (_host, client) = world.document_client().await;
    let url = client.authorization_url(&[("response_type", "token")]);
    assert_page(&world.browser().get(&url).await, 400, "Back to client.example");
    tokens(&world, &client).await;
    assert_eq!(error_to(&world.browser().get(&url).await, &client), "unsupported_response_type");
}

#[tokio::test]
async fn an_id_that_jean_makes_is_no_address() {
    let world = World::new().await;
    let client = world.client().await;
    assert!(!client.id.contains(':') && !client.id.contains('/'), "{}", client.id);
    let body = json!({ "redirect_uris": ["https://a.example/cb"], "client_id": "https://a.example/x" }).to_string();
    let headers = [("content-type", "application/json")];
    let page = ask(&world.router, "POST /oauth/register", &headers, &body).await;
    assert!(!page.body.contains("https://a.example/x"), "{}", page.body);
}
