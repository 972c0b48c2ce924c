//! `GET /oauth/authorize` (RFC 6749 section 4.1.1): what is refused, whom it is told, and what is asked for.

use jean_testing::browser::Page;
use jean_testing::client::Client;
use serde_json::json;

use crate::support::browsing::{answer_to, asks, assert_page, consent_page, error_to, knows_who, parameter};
use crate::support::tokens::{json_of, jwt_part};
use crate::support::{BOTH, RESOURCE, World, code_of};

const LOOPBACK: &str = "http://localhost:52100/callback";

/// A page with status 400 that leads nowhere: neither by redirect nor by a link or a refresh.
fn assert_dead_end(page: &Page, why: &str) {
    assert_page(page, 400, "What to do next");
    let leads_out =
        page.body.split("href=\"").skip(1).find(|rest| !rest.starts_with('/') && !rest.starts_with("data:,"));
    assert_eq!(leads_out, None, "{why}");
}

/// CVE-2025-4143: <https://nvd.nist.gov/vuln/detail/CVE-2025-4143>; RFC 6749 section 4.1.2.1.
#[tokio::test]
async fn an_unknown_client_gets_a_page_and_never_a_redirect() {
    let world = World::new().await;
    let mut client = world.client().await;
    let known = client.id.clone();
    let long = "x".repeat(2049);
    for id in
        ["", "unknown", &known[1..], &format!("{known} "), &long, "<script>alert(1)</script>", "\u{202e}", "' OR 1=1"]
    {
        client.id = id.into();
        for redirect_uri in
            ["https://client.example/callback", "https://evil.example/", LOOPBACK, "javascript:alert(1)", ""]
        {
            let page = world.browser().get(&client.authorization_url(&[("redirect_uri", redirect_uri)])).await;
            assert_dead_end(&page, id);
            assert!(!page.body.contains("<script>"), "{}", page.body);
        }
    }
}

/// CVE-2025-4143; RFC 9700 section 2.1: exact comparison.
#[tokio::test]
async fn an_unregistered_redirect_uri_gets_a_page_and_never_a_redirect() {
    let world = World::new().await;
    let web = world.client_at(&["https://client.example/callback"]).await;
    let native = world.client_at(&["http://localhost/callback", "http://127.0.0.1/callback"]).await;
    let app = world.client_at(&["com.example.app:/callback"]).await;
    let wrong_web = [
        "https://evil.example/callback",
        "https://client.example/",
        "https://client.example/callback/",
        "https://client.example/callback/x",
        "https://client.example/Callback",
        "https://client.example//callback",
        "https://client.example/callback?x=1",
        "https://client.example/callback?",
        "https://client.example/callback#x",
        "https://client.example/callback#",
        "https://client.example/x/../callback",
        "https://client.example/callback/../../evil",
        "https://client.example/callback/%2e%2e/evil",
        "https://client.example/%2E/callback",
        "https://client.example/%63allback",
        "https://client.example/callback%2f..",
        "https://client.example/callback\\@evil.example",
        "https://client.example\\@evil.example/callback",
        "https://client.example@evil.example/callback",
        "https://user@client.example/callback",
        "https://client.example.evil.example/callback",
        "https://evil.client.example/callback",
        "https://CLIENT.example/callback",
        "HTTPS://client.example/callback",
        "https://client.example./callback",
        "https://client.example:443/callback",
        "https://client.example:8443/callback",
        "http://client.example/callback",
        "//client.example/callback",
        "https:/client.example/callback",
        "https:client.example/callback",
        "https://client.example/callback ",
        " https://client.example/callback",
        "https://client.example/call\tback",
        "https://client.example/callback\r\nLocation: https://evil.example",
        "https://client.example/callback\u{202e}",
        "https://cl\u{456}ent.example/callback",
        "http://localhost:8080/oauth/authorize",
        "/callback",
        "javascript:alert(1)//https://client.example/callback",
        "data:text/html,https://client.example/callback",
        "vbscript:x",
        "blob:https://client.example/callback",
        "file:///etc/passwd",
        "about:blank",
    ];
    let wrong_native = [
        "http://localhost.example.com/callback",
        "http://127.0.0.1.example.com/callback",
        "http://localhost:1@evil.example/callback",
        "http://evil.example#localhost/callback",
        "http://localhost./callback",
        "http://LOCALHOST/callback",
        "http://[::1]/callback",
        "http://0.0.0.0/callback",
        "http://127.0.0.2/callback",
        "http://127.1/callback",
        "http://2130706433/callback",
        "http://0x7f.0.0.1/callback",
        "http://localhost:99999/callback",
        "http://localhost:80:80/callback",
        "http://localhost:/callback/../x",
        "http://localhost:52100/",
        "http://localhost:52100/callback/",
        "http://localhost:52100/callback?x=1",
        "http://localhost:52100/%2e%2e/callback",
        "https://localhost/callback",
        "https://localhost:52100/callback",
    ];
    let wrong_app = [
        "com.example.app:/callback/",
        "com.example.app://callback",
        "com.example.other:/callback",
        "com.example.app:/",
    ];
    let tables = [(&web, &wrong_web[..]), (&native, &wrong_native[..]), (&app, &wrong_app[..])];
    for (client, table) in tables {
        for wrong in table {
            // With an error in it too: what is wrong with the rest is told to nobody.
            for response_type in ["code", "token"] {
                let changes = [("redirect_uri", *wrong), ("response_type", response_type)];
                assert_dead_end(&world.browser().get(&client.authorization_url(&changes)).await, wrong);
            }
        }
        let twice = format!("{}&redirect_uri=https://evil.example/", client.authorization_url(&[]));
        assert_page(&world.browser().get(&twice).await, 400, "The parameter redirect_uri was sent more than once.");
        consent_page(client, &mut world.browser(), &[]).await;
    }
}

/// RFC 8252 section 7.3; the name `localhost` too, which native clients use.
#[tokio::test]
async fn a_loopback_redirect_uri_may_have_any_port() {
    let world = World::new().await;
    let registered = ["http://localhost/callback", "http://127.0.0.1:33418/", "http://[::1]/cb"];
    let mut client = world.client_at(&registered).await;
    for asked in [
        "http://localhost/callback",
        "http://localhost:1/callback",
        "http://localhost:65535/callback",
        "http://127.0.0.1:52100/",
        "http://127.0.0.1/",
        "http://[::1]:52100/cb",
    ] {
        client.redirect_uri = asked.into();
        let page = client.authorize(&mut world.browser(), &[]).await;
        assert!(answer_to(&page, &client).contains_key("code"), "{asked}");
        let tokens = client.redeem(&code_of(&page), &[]).await;
        assert_eq!(tokens.status, 200, "{asked} {}", tokens.json);
    }
}

/// OAuth 2.1 section 2.3.3.
#[tokio::test]
async fn the_redirect_uri_may_be_left_out_where_only_one_is_registered() {
    let world = World::new().await;
    let client = world.client().await;
    let page = client.authorize(&mut world.browser(), &[("redirect_uri", "")]).await;
    assert!(answer_to(&page, &client).contains_key("code"));
    let client = world.client_at(&["https://client.example/callback", "https://client.example/other"]).await;
    assert_dead_end(&world.browser().get(&client.authorization_url(&[("redirect_uri", "")])).await, "two");
}

/// CVE-2025-4144: <https://nvd.nist.gov/vuln/detail/CVE-2025-4144>; RFC 6749 section 4.1.2.1, RFC 7636 section 4.4.1,
/// RFC 8707 section 2, OpenID Connect Core section 3.1.2.6; RFC 9207: every answer names the issuer.
#[tokio::test]
async fn each_broken_rule_has_its_error_with_state_and_iss() {
    let world = World::new().await;
    let client = world.client_at(&[LOOPBACK]).await;
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "s256")], "invalid_request"),
        (&[("code_challenge_method", "S512")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=")], "invalid_request"),
        (&[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM")], "invalid_request"),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "id_token")], "unsupported_response_type"),
        (&[("response_type", "code token")], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_type", "none")], "unsupported_response_type"),
        (&[("response_type", "CODE")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("response_mode", "form_post")], "invalid_request"),
        (&[("request", "eyJhbGciOiJub25lIn0.e30.")], "request_not_supported"),
        (&[("request_uri", "https://client.example/request")], "request_uri_not_supported"),
        (&[("request_uri", "urn:ietf:params:oauth:request_uri:x")], "request_uri_not_supported"),
        (&[("resource", "https://other.example/mcp")], "invalid_target"),
        (&[("resource", "http://localhost:8080/mcp#x")], "invalid_target"),
        (&[("resource", "http://localhost:8080/mcp/x")], "invalid_target"),
        (&[("resource", "http://localhost:8081/mcp")], "invalid_target"),
        (&[("resource", "/mcp")], "invalid_target"),
        (&[("scope", "read \"write\"")], "invalid_scope"),
        (&[("scope", "read\\write")], "invalid_scope"),
        (&[("scope", "r\u{e9}ad")], "invalid_scope"),
        (&[("prompt", "none")], "login_required"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("prompt", "consent none")], "invalid_request"),
        (&[("max_age", "soon")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
    ];
    for (changes, expected) in table {
        let page = world.browser().get(&client.authorization_url(changes)).await;
        assert_eq!(page.status, 303, "{changes:?} {page:?}");
        assert_eq!(error_to(&page, &client), *expected, "{changes:?}");
        assert_eq!(page.headers["cache-control"], "no-store");
    }
}

/// RFC 6749 section 3.1: no parameter is sent twice. RFC 8707 section 2: `resource` may be.
#[tokio::test]
async fn only_resource_may_be_repeated() {
    let world = World::new().await;
    let client = world.client_at(&[LOOPBACK]).await;
    let url = client.authorization_url(&[("scope", "read"), ("nonce", "n"), ("prompt", "consent"), ("x", "unknown")]);
    for name in ["response_type", "code_challenge", "code_challenge_method", "scope", "nonce", "prompt", "x"] {
        let again = parameter(&url, name).expect("it is in the request");
        let page = world.browser().get(&format!("{url}&{name}={again}")).await;
        assert_eq!(error_to(&page, &client), "invalid_request", "{name}");
    }
    // Which of two states is the client's cannot be told, so neither is.
    let page = world.browser().get(&format!("{url}&state=other")).await;
    let answer = page.redirect_params();
    assert_eq!(answer.get("error").map(String::as_str), Some("invalid_request"));
    assert_eq!(answer.get("state"), None);
    // Which of two clients it is cannot be told either.
    assert_page(
        &world.browser().get(&format!("{url}&client_id={}", client.id)).await,
        400,
        "client_id was sent more than",
    );

    let page = world.browser().get(&format!("{url}&resource={RESOURCE}&resource={RESOURCE}/")).await;
    assert!(asks(&page), "{page:?}");
    // A parameter without a value counts as left out.
    let page = world.browser().get(&format!("{url}&scope=&state=&request=")).await;
    assert!(asks(&page), "{page:?}");
}

const BAD: [(&str, &str); 1] = [("response_type", "token")];

/// What a request with a mistake in it comes to.
async fn mistaken(world: &World, client: &Client) -> Page {
    world.browser().get(&client.authorization_url(&BAD)).await
}

/// The error is on a page, with this button to take it to the client.
fn assert_link(page: &Page, client: &Client, label: &str) {
    assert_page(page, 400, label);
    let link = page.body.split("class=\"button primary\" href=\"").nth(1).expect("a link");
    let link = link.split('"').next().unwrap_or_default().replace("&#38;", "&");
    assert!(link.starts_with(&format!("{}?", client.redirect_uri)), "{link}");
    assert!(parameter(&link, "error").is_some(), "{link}");
    assert_eq!(parameter(&link, "state").as_ref(), Some(&client.state));
    assert_eq!(parameter(&link, "iss").as_ref(), Some(&client.issuer));
}

/// RFC 9700 section 4.11.2: a server that redirects errors anywhere at once is an open redirector.
#[tokio::test]
async fn an_error_goes_at_once_only_where_a_link_of_ours_may_lead() {
    let preregistered = "[[clients.preregistered]]\nid = \"mine\"\nname = \"Mine\"\nauth_method = \"none\"\n\
                         redirect_uris = [\"https://client.example/callback\", \"mine:/callback\"]\n";
    let world = World::with(preregistered).await;

    for redirect_uri in ["http://127.0.0.1:52100/callback", "http://[::1]:52100/callback", LOOPBACK] {
        let client = world.client_at(&[redirect_uri]).await;
        assert_eq!(error_to(&mistaken(&world, &client).await, &client), "unsupported_response_type", "{redirect_uri}");
    }
    let mut mine = world.stranger();
    mine.id = "mine".into();
    for redirect_uri in ["https://client.example/callback", "mine:/callback"] {
        mine.redirect_uri = redirect_uri.into();
        assert_eq!(error_to(&mistaken(&world, &mine).await, &mine), "unsupported_response_type", "{redirect_uri}");
    }
    // One whose document is pinned, as Claude's is.
    let mut claude = world.stranger();
    claude.id = "https://claude.ai/oauth/mcp-oauth-client-metadata".into();
    claude.redirect_uri = "https://claude.ai/api/mcp/auth_callback".into();
    assert_eq!(error_to(&mistaken(&world, &claude).await, &claude), "unsupported_response_type");

    for (redirect_uri, label) in [
        ("https://client.example/callback", "Back to client.example"),
        ("https://localhost:8443/callback", "Back to the app on this computer"),
        ("https://192.168.1.5/callback", "Back to 192.168.1.5 in your network"),
        ("com.example.app:/callback", "Open the app for com.example.app: links"),
        ("zoommtg://zoom.example/join?action=join&confno=1", "Open the app for zoommtg: links"),
    ] {
        let client = world.client_at(&[redirect_uri]).await;
        if redirect_uri.contains('?') {
            assert_page(&mistaken(&world, &client).await, 400, label);
            continue;
        }
        for changes in [BAD, [("prompt", "none")], [("resource", "https://other.example/")]] {
            let page = world.browser().get(&client.authorization_url(&changes)).await;
            assert_link(&page, &client, label);
        }
        // A button that the person presses is no link of a stranger: its answer leaves by the page that moves on.
        let mut browser = world.browser();
        let page = consent_page(&client, &mut browser, &[]).await;
        let page = browser.submit(&page, &[("answer", "cancel")]).await;
        assert_eq!((page.status.as_u16(), error_to(&page, &client)), (200, "access_denied".to_owned()));
    }
}

/// That somebody allowed a client something says nothing of the other addresses that it has or takes later.
#[tokio::test]
async fn an_error_goes_at_once_to_the_very_address_where_the_code_of_a_living_grant_went() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let uris = [
            "https://client.example/callback",
            "https://client.example/other",
            "com.example.app:/callback",
            "https://localhost/callback",
        ];
        let mut client = world.stranger();
        let mut metadata = client.metadata();
        metadata["redirect_uris"] = json!(uris);
        let registered = json_of(&client.post_json("/oauth/register", &metadata).await);
        client.id = registered["client_id"].as_str().expect("an id").into();
        let at = async |uri: &str| {
            let mut client = client.clone();
            client.redirect_uri = uri.into();
            let page = mistaken(&world, &client).await;
            match page.leads_to() {
                Some(_) => error_to(&page, &client) == "unsupported_response_type",
                None => {
                    assert_page(&page, 400, "request does not work");
                    false
                }
            }
        };
        assert!(!at(uris[0]).await, "{db:?}: nobody knows it");
        let code = code_of(&client.authorize(&mut world.browser(), &[]).await);
        assert!(!at(uris[0]).await, "{db:?}: its code may never arrive");
        let tokens = client.redeem(&code, &[]).await;
        assert!(at(uris[0]).await, "{db:?}");
        assert!(!at(uris[1]).await && !at(uris[2]).await, "{db:?}: no code went there");
        let mut app = client.clone();
        app.redirect_uri = uris[2].into();
        world.tokens_for(&app, &[]).await;
        assert!(!at(uris[2]).await, "{db:?}: a code went there, but a scheme may start any program");
        assert!(!at(uris[3]).await, "{db:?}: nobody knows it");
        app.redirect_uri = uris[3].into();
        world.tokens_for(&app, &[]).await;
        assert!(!at(uris[3]).await, "{db:?}: a code went there, but anything on the computer may answer");

        // The registration changes, and what is new in it is as unknown as it was.
        metadata["redirect_uris"] = json!(["https://evil.example/callback", "zoommtg:/join", uris[0]]);
        metadata["client_id"] = json!(client.id);
        let token = format!("Bearer {}", registered["registration_access_token"].as_str().expect("a token"));
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let path = format!("/oauth/register/{}", client.id);
        let page = world.send(&format!("PUT {path}"), &headers, metadata.to_string()).await;
        assert_eq!(page.status, 200, "{}", page.body);
        assert!(!at("https://evil.example/callback").await && !at("zoommtg:/join").await, "{db:?}");
        assert!(at(uris[0]).await, "{db:?}");

        assert_eq!(client.revoke(tokens.refresh()).await.status, 200);
        assert!(!at(uris[0]).await, "{db:?}: taken back");
        world.tokens_for(&client, &[]).await;
        assert!(at(uris[0]).await, "{db:?}");
        world.clock.advance(31 * 86_400);
        assert!(!at(uris[0]).await, "{db:?}: its tokens have expired");
    }
}

#[tokio::test]
async fn a_request_of_more_than_8_kilobytes_is_refused() {
    let world = World::new().await;
    let client = world.client_at(&[LOOPBACK]).await;
    let url = client.authorization_url(&[]);
    let query = url.split_once('?').expect("a query").1.len();
    let filler = |length: usize| format!("{url}&x={}", "x".repeat(length - query - 3));
    assert!(asks(&world.browser().get(&filler(8192)).await));
    assert_page(&world.browser().get(&filler(8193)).await, 400, "longer than 8 KB");
}

/// `state` is the client's own affair (OAuth 2.1 section 4.1.1): PKCE is there.
#[tokio::test]
async fn a_request_without_state_is_answered_without_state() {
    let world = World::new().await;
    let client = world.client().await;
    let answer = client.authorize(&mut world.browser(), &[("state", "")]).await.redirect_params();
    assert!(answer.contains_key("code") && !answer.contains_key("state"), "{answer:?}");
    assert_eq!(answer.get("iss"), Some(&client.issuer));
    // What it holds comes back as it was sent.
    let state = "a b+c%20&d=\u{e9}\"'<>\u{1f600}";
    let answer = client.authorize(&mut world.browser(), &[("state", state)]).await.redirect_params();
    assert_eq!(answer.get("state").map(String::as_str), Some(state));
}

/// Clients ask for words of other servers, for `offline_access` and `openid` as soon as they see them, or for nothing at
/// all.
#[tokio::test]
async fn known_scopes_are_granted_and_the_default_where_none_is_known() {
    let world = World::new().await;
    let client = world.client().await;
    for (asked, granted) in [
        ("", "read"),
        ("claudeai", "read"),
        ("openid email profile", "email openid profile read"),
        ("openid", "openid read"),
        ("email", "email read"),
        ("profile write address phone", "profile write"),
        ("read", "read"),
        ("write", "write"),
        ("write claudeai", "write"),
        ("READ", "read"),
        ("write read write", "read write"),
        ("offline_access", "offline_access read"),
        ("offline_access write", "offline_access write"),
    ] {
        let mut browser = world.browser();
        let page = consent_page(&client, &mut browser, &[("scope", asked)]).await;
        for (scope, words) in [("read", "Read your data"), ("write", "Change your data")] {
            let shown = page.body.contains(words);
            assert_eq!(shown, granted.split(' ').any(|granted| granted == scope), "{asked:?} {scope}");
        }
        let tokens = client.redeem(&code_of(&client.authorize(&mut browser, &[("scope", asked)]).await), &[]).await;
        assert_eq!(tokens.text("scope"), granted, "{asked:?}");
    }
}

/// RFC 8707 section 2.
#[tokio::test]
async fn of_several_resources_those_that_were_named_are_granted_and_else_the_default_one() {
    let world = World::with(
        "[mcp.default]\nscopes = { read = \"Read your data\" }\n[mcp.files]\npath = \"/files\"\nscopes = { files = \"Read your files\" }\n",
    )
    .await;
    let client = world.client_at(&[LOOPBACK]).await;
    let page = consent_page(&client, &mut world.browser(), &[]).await;
    assert!(page.body.contains("Read your data") && !page.body.contains("Read your files"), "{}", page.body);
    let tokens = world.tokens_for(&client, &[]).await;
    assert_eq!(jwt_part(tokens.access(), 1)["aud"], RESOURCE);
    let page = consent_page(&client, &mut world.browser(), &[("resource", "http://localhost:8080/files")]).await;
    assert!(page.body.contains("Read your files") && !page.body.contains("Read your data"), "{}", page.body);
    let url = client.authorization_url(&[("resource", RESOURCE)]);
    let page = world.browser().get(&format!("{url}&resource=http://localhost:8080/files")).await;
    assert!(page.body.contains("Read your files") && page.body.contains("Read your data"), "{}", page.body);
    let page = world.browser().get(&format!("{url}&resource=https://other.example/")).await;
    assert_eq!(error_to(&page, &client), "invalid_target");
}

/// Clients fetch the address themselves before they open the browser (fastmcp), and so do link previews.
#[tokio::test]
async fn asking_again_and_again_changes_nothing() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let first = consent_page(&client, &mut browser, &[]).await;
    let before = world.rows().await;
    let cookies: Vec<&str> = first.headers.get_all("set-cookie").iter().filter_map(|set| set.to_str().ok()).collect();
    assert!(matches!(cookies[..], [set] if set.starts_with("jean-browser=")), "{cookies:?}");
    for _ in 0..20 {
        let page = consent_page(&client, &mut browser, &[]).await;
        assert_eq!(page.body, first.body);
        consent_page(&client, &mut world.browser(), &[]).await;
    }
    assert_eq!(world.rows().await, before);
    assert!(before.iter().all(|(_, count)| *count == 0), "{before:?}");
    assert_eq!(world.issuer.requests_to("/authorize").len(), 0);

    // Signed in, too.
    let mut browser = world.signed_in().await;
    let before = world.rows().await;
    for _ in 0..5 {
        let page = consent_page(&client, &mut browser, &[]).await;
        assert!(knows_who(&page));
    }
    assert_eq!(world.rows().await, before);
}

/// OpenID Connect Core section 3.1.2.1: a request may come as a form too. What comes of it is what comes of the same query,
/// and the form of another site signs nobody in and allows nothing.
#[tokio::test]
async fn a_request_may_be_posted() {
    let world = World::with("[clients]\nremember_consent = true\n").await;
    let client = world.client().await;
    let mut browser = world.browser();
    let state = "a b+&=\u{e4}";
    let mut request = client.authorization_request();
    request.insert("state".into(), state.into());
    let fields: Vec<(&str, &str)> = request.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (path, foreign) =
        ("/oauth/authorize", [("origin", "https://client.example"), ("sec-fetch-site", "cross-site")]);
    for first in [true, false] {
        let posted = browser.send(&format!("POST {path}"), &foreign, Some(&fields)).await;
        assert_eq!(posted.status, 303, "{}", posted.body);
        assert!(!posted.headers.contains_key("set-cookie"));
        assert!(!posted.headers.contains_key("access-control-allow-origin"));
        let next = posted.leads_to().expect("a page of ours");
        assert!(next.starts_with("/oauth/authorize?"), "{next}");
        assert_eq!(asks(&browser.get(&next).await), first, "remembered is what was allowed before");
        let page = client.authorize_at(&mut browser, &next).await;
        assert_eq!(page.redirect_params()["state"], state);
        code_of(&page);
    }

    let long = "x".repeat(8200);
    for (fields, status) in [(&[][..], 303), (&[("state", "1"), ("state", "1")], 303), (&[("state", &long)], 400)] {
        let page = browser.send(&format!("POST {path}"), &foreign, Some(fields)).await;
        assert_eq!(page.status, status, "{}", page.body);
        if let Some(next) = page.leads_to() {
            assert_dead_end(&browser.get(&next).await, &next);
        }
    }
    let json = world.send(&format!("POST {path}"), &[("content-type", "application/json")], "{}").await;
    assert_page(&json, 415, "does not work");
}

/// Clickjacking (RFC 9700 section 4.16): beside the headers, what is meant for a frame is not even made.
#[tokio::test]
async fn no_page_of_the_journey_is_made_for_a_frame() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.signed_in().await;
    let url = client.authorization_url(&[]);
    for dest in ["iframe", "frame", "object", "embed", "fencedframe"] {
        for url in [&url, "/oauth/login/x", "/oauth/callback/idp?state=x"] {
            let page = browser.send(&format!("GET {url}"), &[("sec-fetch-dest", dest)], None).await;
            assert_page(&page, 400, "not shown within another one");
            assert!(!page.body.contains("<form"), "{}", page.body);
        }
    }
    let page = browser.send(&format!("GET {url}"), &[("sec-fetch-dest", "document")], None).await;
    assert!(asks(&page));
}
