//! What every page and every cookie has, and that no request header changes an address of ours.

use axum::http::Method;
use jean_testing::browser::{Browser, Page};
use jean_testing::issuer::{Account, Fault};

use crate::support::browsing::{UPSTREAM, answer_to, consent_page, depart, through_upstream, to_callback, to_upstream};
use crate::support::{Db, ORIGIN, RESOURCE, World, code_of};

const HTTPS: &str = "https://jean.example";

/// One of each page, and the redirects between them.
async fn all(world: &World) -> Vec<(&'static str, Page)> {
    let client = world.client().await;
    let mut browser = world.browser();
    let consent = consent_page(&client, &mut browser, &[]).await;
    let leaving = browser.submit(&consent, &[("answer", UPSTREAM)]).await;
    let callback = through_upstream(&mut browser, &leaving.leads_to().expect("the upstream")).await;
    let elsewhere = world.browser().get(&callback).await;
    let callback = to_callback(&client, &mut browser, &[]).await;
    let back = browser.get(&callback).await;
    let confirm = browser.follow(back.clone()).await;
    let answer = browser.submit(&confirm, &[("answer", "continue")]).await;
    let again = browser.get(&confirm.url).await;
    client.redeem(&code_of(&again), &[]).await;
    let done = browser.get(&confirm.url).await;
    let signed_in = consent_page(&client, &mut browser, &[]).await;

    world.issuer.misbehave(Fault::AuthorizeError("access_denied".into(), String::new()));
    let mut other = world.browser();
    let page = consent_page(&client, &mut other, &[]).await;
    let retry = other.press(&page, UPSTREAM).await;
    world.issuer.misbehave(None);
    let stranger = world.client().await;
    let text = [("accept", "text/html")];
    vec![
        ("consent", consent),
        ("leaving", leaving),
        ("another browser", elsewhere),
        ("callback", back),
        ("confirm", confirm),
        ("answer", answer),
        ("answer by redirect", again),
        ("done", done),
        ("signed in", signed_in),
        ("retry", retry),
        ("unknown client", browser.get("/oauth/authorize?client_id=x").await),
        ("error with a link", browser.get(&stranger.authorization_url(&[("prompt", "none")])).await),
        ("framed", browser.send("GET /oauth/authorize", &[("sec-fetch-dest", "iframe")], None).await),
        ("cross-site", browser.send("POST /oauth/consent", &[("sec-fetch-site", "cross-site")], Some(&[])).await),
        ("no such journey", browser.get("/oauth/login/1").await),
        ("landing", browser.get("/").await),
        ("status", browser.send("GET /status", &text, None).await),
        ("not found", browser.send("GET /nothing", &text, None).await),
    ]
}

/// Clickjacking, leaks by Referer, sniffing, caches: RFC 9700 sections 4.2.4 and 4.16, RFC 6797.
#[tokio::test]
async fn every_page_has_its_security_headers() {
    for url in [ORIGIN, HTTPS] {
        let world = World::at(url, Db::Sqlite, "").await;
        for (name, page) in all(&world).await {
            let header = |name: &str| page.headers.get(name).and_then(|value| value.to_str().ok());
            assert_eq!(header("x-content-type-options"), Some("nosniff"), "{name}");
            assert_eq!(header("referrer-policy"), Some("same-origin"), "{name}");
            assert_eq!(header("cache-control"), Some("no-store"), "{name}");
            // It would cut a client's popup off from the window that opened it.
            assert_eq!(header("cross-origin-opener-policy"), None, "{name}");
            assert_eq!(header("access-control-allow-origin"), None, "{name}");
            let hsts = (url == HTTPS).then_some("max-age=31536000");
            assert_eq!(header("strict-transport-security"), hsts, "{name}");
            assert!(page.headers.contains_key("x-request-id"), "{name}");
            if page.status == 303 {
                assert_eq!(page.body, "", "{name}");
                continue;
            }
            assert_eq!(header("content-type"), Some("text/html; charset=utf-8"), "{name}");
            assert_eq!(
                header("content-security-policy"),
                Some(
                    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                     frame-ancestors 'none'; base-uri 'none'"
                ),
                "{name}"
            );
            assert_eq!(header("x-frame-options"), Some("DENY"), "{name}");
            assert!(!page.body.contains("<script") && !page.body.contains(" style=\""), "{name}");
            for address in page.body.split("src=\"").skip(1) {
                assert!(address.starts_with('/'), "{name} loads {address:.60}");
            }
        }
    }
}

/// The attributes of each cookie that a browser is given on the whole way, by its name; journeys without their id.
async fn attributes(world: &World) -> Vec<String> {
    let mut given = Vec::new();
    for (_, page) in all(world).await {
        for set in page.headers.get_all("set-cookie") {
            let set = set.to_str().expect("ASCII");
            let (pair, attributes) = set.split_once("; ").expect("attributes");
            let (name, value) = pair.split_once('=').expect("a value");
            assert!(value.len() >= 22, "{set}: at least 128 bits");
            let name = name.split_once("login-").map_or(name.to_owned(), |(stem, _)| format!("{stem}login-ID"));
            let mut attributes: Vec<&str> = attributes.split("; ").collect();
            attributes.sort_unstable();
            given.push(format!("{name}: {}", attributes.join(" ")));
        }
    }
    given.sort();
    given.dedup();
    given
}

/// RFC 6265bis section 4.1.3; SameSite=Strict would not come along when the upstream sends the browser back.
#[tokio::test]
async fn every_cookie_is_ours_alone_and_lax() {
    let world = World::at(HTTPS, Db::Sqlite, "").await;
    assert_eq!(
        attributes(&world).await,
        [
            "__Host-jean-browser: HttpOnly Max-Age=3600 Path=/ SameSite=Lax Secure",
            "__Host-jean-login-ID: HttpOnly Max-Age=1800 Path=/ SameSite=Lax Secure",
            "__Host-jean-session: HttpOnly Max-Age=28800 Path=/ SameSite=Lax Secure",
        ]
    );
    let world = World::new().await;
    assert_eq!(
        attributes(&world).await,
        [
            "jean-browser: HttpOnly Max-Age=3600 Path=/ SameSite=Lax",
            "jean-login-ID: HttpOnly Max-Age=1800 Path=/ SameSite=Lax",
            "jean-session: HttpOnly Max-Age=28800 Path=/ SameSite=Lax",
        ]
    );
}

/// The whole way at an https address, and below a path.
#[tokio::test]
async fn a_journey_works_at_every_public_url() {
    for url in [HTTPS, "https://jean.example:8443", "https://jean.example/v2", "http://127.0.0.1:9090"] {
        let world = World::at(url, Db::Sqlite, "").await;
        assert_eq!(world.jean.mcp_url(), format!("{url}/mcp"));
        let client = world.client().await;
        let page = client.authorize(&mut world.browser(), &[]).await;
        assert!(answer_to(&page, &client).contains_key("code"), "{url}");
        assert_eq!(client.redeem(&code_of(&page), &[]).await.status, 200, "{url}");
        let request = &world.issuer.requests_to("/authorize")[0];
        assert_eq!(request.parameter("redirect_uri"), Some(format!("{url}/oauth/callback/idp").as_str()));
    }
}

/// CVE-2025-6514: addresses that reach a shell or a browser come from the configuration alone.
/// <https://nvd.nist.gov/vuln/detail/CVE-2025-6514>
#[tokio::test]
async fn no_request_header_changes_an_address_of_ours() {
    let world = World::new().await;
    let client = world.client().await;
    let evil = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "666"),
        ("x-forwarded-prefix", "/evil.example"),
        ("x-forwarded-for", "192.0.2.1"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-url", "/evil.example"),
        ("x-rewrite-url", "/evil.example"),
        ("x-host", "evil.example"),
        ("referer", "https://evil.example/"),
    ];
    let mut browser = world.browser();
    // Once it is known where the upstream is: the status tells it.
    to_upstream(&client, &mut browser, &[]).await;
    let unknown = client.authorization_url(&[("client_id", "unknown")]);
    let consent = client.authorization_url(&[]);
    for url in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/oauth/jwks",
        "/",
        "/status",
        "/nothing",
        &unknown,
        &consent,
    ] {
        let plain = browser.get(url).await;
        let mut sets = vec![evil.to_vec()];
        sets.extend(evil.iter().map(|header| vec![*header]));
        for headers in sets {
            let page = browser.send(&format!("GET {url}"), &headers, None).await;
            assert_eq!(page.status, plain.status, "{url} {headers:?}");
            assert_eq!(without_id(&page), without_id(&plain), "{url} {headers:?}");
            assert_eq!(page.headers.get("location"), None, "{url}");
        }
    }
    // Answers of a form, and the challenge of the guard.
    let page = consent_page(&client, &mut browser, &[]).await;
    let mut fields = page.form().hidden;
    fields.push(("answer".into(), UPSTREAM.into()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let leaving = browser.send("POST /oauth/consent", &evil[..10], Some(&fields)).await;
    let url = leaving.leads_to().expect("the upstream");
    assert!(url.starts_with(&format!("{}/authorize?", world.issuer.url())) && !leaving.body.contains("evil"), "{url}");
    let callback = through_upstream(&mut browser, &url).await;
    let page = browser.send(&format!("GET {callback}"), &evil, None).await;
    let next = page.leads_to().expect("the journey's page");
    assert!(next.starts_with("/oauth/login/"), "{next}");
    let challenge = browser.send("POST /mcp", &evil[1..8], None).await;
    assert_eq!(challenge.status, 401);
    let challenge = challenge.headers["www-authenticate"].to_str().expect("ASCII");
    assert!(challenge.contains(ORIGIN) && !challenge.contains("evil"), "{challenge}");
}

/// The body, without the id by which a page names its request.
fn without_id(page: &Page) -> String {
    match page.headers.get("x-request-id").and_then(|id| id.to_str().ok()) {
        Some(id) => page.body.replace(id, ""),
        None => page.body.clone(),
    }
}

/// Some providers answer `invalid_target` to a resource that is not theirs, and what a client asks of us is no affair of theirs.
#[tokio::test]
async fn the_upstream_is_told_nothing_of_the_client() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let changes = [("resource", RESOURCE), ("scope", "read write"), ("nonce", "of-the-client"), ("x", "unknown")];
    client.authorize(&mut browser, &changes).await;
    let upstream = to_upstream(&client, &mut world.browser(), &changes).await;
    for request in world.issuer.requests() {
        for (name, value) in &request.parameters {
            assert!(name != "resource" && name != "x", "{request:?}");
            for ours in [RESOURCE, &client.id, &client.state, &client.redirect_uri, "of-the-client", "write"] {
                assert!(!value.contains(ours), "{name} tells {ours}: {request:?}");
            }
        }
    }
    let request = &world.issuer.requests_to("/authorize")[0];
    let mut names: Vec<&str> = request.parameters.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    ];
    assert_eq!(names, expected);
    assert!(!upstream.contains("client_secret"));
}

/// Nothing of the browser's way is for scripts of other sites (RFC 9700 section 2.6).
#[tokio::test]
async fn the_browsers_paths_are_not_shared_across_origins() {
    let world = World::new().await;
    let mut browser: Browser = world.browser();
    let headers = [("origin", "https://app.example"), ("access-control-request-method", "GET")];
    for path in ["/oauth/authorize", "/oauth/consent", "/oauth/login/1", "/oauth/callback/idp", "/", "/status"] {
        for method in [Method::OPTIONS, Method::GET] {
            let page = browser.send(&format!("{method} {path}"), &headers, None).await;
            assert_eq!(page.headers.get("access-control-allow-origin"), None, "{path}");
        }
    }
    // Without a way around the form: no other method answers.
    let client = world.client().await;
    let mut browser = world.signed_in().await;
    let page = consent_page(&client, &mut browser, &[]).await;
    let fields = page.form().hidden;
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let page = browser.get(&format!("/oauth/consent?{query}&answer=allow")).await;
    assert_eq!(page.status, 405);
    world.issuer.sign_in_as(Account::named("Bob"));
    let page = consent_page(&client, &mut browser, &[]).await;
    depart(&mut browser, &page, "switch").await;
}
