//! Step-up: a call that needs more than the token may, the challenge that says so, and the authorization that follows
//! (RFC 6750 section 3.1, the MCP specification's "Scope Challenge Handling").

use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::response::IntoResponse as _;
use axum::routing::any;
use axum::{Extension, Router};
use jean::{Caller, StepUp};
use jean_testing::browser::Page;
use jean_testing::client::Client;
use serde_json::{Value, json};

use crate::support::browsing::{UPSTREAM, consent_page, knows_who};
use crate::support::wire::{ask, json_of, text, tokens_of};
use crate::support::{ORIGIN, World, code_of};

/// A mount whose tools need more than every call does.
const TABLES: &str = "[mcp.default]\n\
    scopes = { read = \"Read your data\", write = \"Change your data\", admin = \"Do everything\" }\n\
    default_scopes = [\"read\"]\nrequired_scopes = [\"read\"]\n\
    tools = { \"write_note\" = [\"write\"], \"delete_*\" = [\"write\", \"admin\"] }\n";

const METADATA: &str = "resource_metadata=\"http://localhost:8080/.well-known/oauth-protected-resource/mcp\"";

fn challenge(lacking: &str, scope: &str) -> String {
    format!(
        "Bearer error=\"insufficient_scope\", \
         error_description=\"The access token does not allow this. It lacks: {lacking}.\", {METADATA}, scope=\"{scope}\""
    )
}

fn call(tool: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": {} } })
}

/// The scopes of a challenge.
fn asked(page: &Page) -> &str {
    let (_, scopes) = text(page, "www-authenticate").rsplit_once("scope=\"").expect("a scope");
    scopes.trim_end_matches('"')
}

/// "Servers SHOULD include all scopes required for the current operation in a single challenge."
#[tokio::test]
async fn a_call_that_needs_more_is_told_all_of_it_at_once() {
    let world = World::with(TABLES).await;
    for (granted, tool, refused) in [
        ("read", "whoami", None),
        ("read", "write_note", Some(("write", "read write"))),
        ("read", "delete_note", Some(("admin write", "admin read write"))),
        ("read", "delete_", Some(("admin write", "admin read write"))),
        ("read write", "write_note", None),
        ("read write", "write_notes", None),
        ("read write", "delete_note", Some(("admin", "admin read write"))),
        ("read write admin", "delete_note", None),
        // What every call needs is part of it.
        ("write", "whoami", Some(("read", "read write"))),
        ("admin", "write_note", Some(("read write", "admin read write"))),
        // What the token may already stays in, or older clients would lose it.
        ("read admin", "write_note", Some(("write", "admin read write"))),
        ("read offline_access", "write_note", Some(("write", "read write"))),
    ] {
        let (client, tokens) = tokens_of(ORIGIN, &world.router, &[("scope", granted)]).await;
        let page = client.call("/mcp", Some(tokens.access()), &call(tool)).await;
        let Some((lacking, scope)) = refused else {
            assert_eq!(page.status, 200, "{granted} {tool}: {}", page.body);
            continue;
        };
        assert_eq!(page.status, 403, "{granted} {tool}: {}", page.body);
        assert_eq!(json_of(&page)["error"], "insufficient_scope");
        assert_eq!(text(&page, "www-authenticate"), challenge(lacking, scope), "{granted} {tool}");
        assert_eq!(text(&page, "cache-control"), "no-store");
    }
}

/// A server behind the guard that keeps what reached it, and tokens that may read.
async fn behind(world: &World) -> (Router, Arc<Mutex<Vec<Vec<u8>>>>, String) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = seen.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let keep = keep.clone();
        async move {
            let body = to_bytes(request.into_body(), 16 << 20).await.expect("a body");
            keep.lock().expect("a lock").push(body.to_vec());
            Ok::<_, std::convert::Infallible>("passed".into_response())
        }
    });
    let app = Router::new().route_service("/mcp", world.jean.guard(service)).merge(world.jean.router());
    let (_, tokens) = tokens_of(ORIGIN, &app, &[("scope", "read")]).await;
    (app, seen, format!("Bearer {}", tokens.access()))
}

/// Sends bytes as a message.
async fn post(app: &Router, bearer: &str, headers: &[(&str, &str)], body: &[u8]) -> Page {
    use tower::ServiceExt as _;
    let mut request = Request::builder().method("POST").uri("/mcp").header("host", "localhost:8080");
    request = request.header("authorization", bearer).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_vec())).expect("a request");
    let (parts, body) = app.clone().oneshot(request).await.expect("an answer").into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    let body = String::from_utf8(body.to_vec()).expect("text");
    Page { url: "/mcp".into(), status: parts.status, headers: parts.headers, body }
}

/// What one reader takes for a harmless message must not be a call for another.
#[tokio::test]
async fn no_spelling_of_a_message_hides_a_call() {
    let world = World::with(TABLES).await;
    let (app, seen, bearer) = behind(&world).await;
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let write = call("write_note").to_string();
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"name"}}"#;
    let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    let cases: Vec<(Vec<u8>, u16)> = vec![
        // Messages that need nothing, and go on byte for byte.
        (list.into(), 200),
        (call("whoami").to_string().into(), 200),
        (format!(" \n\t{list}\r\n ").into(), 200),
        (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.into(), 200),
        (r#"{"jsonrpc":"2.0","id":1,"result":{"method":"tools/call","name":"write_note"}}"#.into(), 200),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"tools/call"}}"#.into(), 200),
        (r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"write_note"}}"#.into(), 200),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1,"write_note"]}"#.into(), 200),
        (
            r#"{"params":{"name":"whoami","arguments":{"name":"write_note","a":1,"a":2}},"method":"tools/call"}"#
                .into(),
            200,
        ),
        (format!(r#"{{"method":"tools/call","params":{{"name":"whoami","arguments":{{"x":{deep}}}}}}}"#).into(), 200),
        (format!("[{list},{}]", call("whoami")).into(), 200),
        ("[]".into(), 200),
        (format!("[{}]", vec![list; 1000].join(",")).into(), 200),
        (format!("[{}]", vec![list; 1001].join(",")).into(), 400),
        (String::new().into(), 200),
        // Calls that need more.
        (write.clone().into(), 403),
        (r#"{"params":{"arguments":{"name":"whoami"},"name":"write_note"},"method":"tools/call"}"#.into(), 403),
        (r#"{"\u006dethod":"tools\/call","params":{"n\u0061me":"write\u005fnote"}}"#.into(), 403),
        (r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"write_note"}}"#.into(), 403),
        (format!("[{list},{write}]").into(), 403),
        (format!("[{write},{}]", call("delete_all")).into(), 403),
        // What could be read in two ways.
        (r#"{"method":"tools/list","method":"tools/call","params":{"name":"write_note"}}"#.into(), 400),
        (r#"{"method":"tools/call","params":{"name":"whoami","name":"write_note"}}"#.into(), 400),
        (r#"{"method":"tools/call","params":{"name":"whoami"},"params":{"name":"write_note"}}"#.into(), 400),
        (r#"{"method":"tools/call","params":{"name":"whoami","n\u0061me":"write_note"}}"#.into(), 400),
        (r#"{"method":"tools/list","Method":"tools/call","params":{"name":"write_note"}}"#.into(), 400),
        (r#"{"METHOD":"tools/call","params":{"name":"write_note"}}"#.into(), 400),
        (r#"{"method":"tools/call","params":{"name":"whoami"},"Params":{"name":"write_note"}}"#.into(), 400),
        (r#"{"method":"tools/call","params":{"name":"whoami","Name":"write_note"}}"#.into(), 400),
        ("{\"method\":\"tools/call\",\"param\u{17f}\":{\"name\":\"write_note\"}}".into(), 400),
        (r#"{"method":["tools/call"],"params":{"name":"write_note"}}"#.into(), 400),
        (r#"{"method":"tools/call","params":{"name":["write_note"]}}"#.into(), 400),
        (r#"{"method":"tools/call","params":["write_note"]}"#.into(), 400),
        (r#"{"method":"tools/call","params":{}}"#.into(), 400),
        (r#"{"method":"tools/call"}"#.into(), 400),
        (format!("[[{write}]]").into(), 400),
        (format!("[{list},1]").into(), 400),
        (r#"["2.0",1,"tools/call",{"name":"write_note"}]"#.into(), 400),
        // What is no JSON.
        (format!("{list}{write}").into(), 400),
        (format!("{list}\n{write}").into(), 400),
        (format!("{list},").into(), 400),
        (format!("\u{feff}{write}").into(), 400),
        (format!("\0{write}").into(), 400),
        (utf16(&write), 400),
        ([b"\xff\xfe".to_vec(), utf16(&write)].concat(), 400),
        ([b"\x1f\x8b\x08".to_vec(), write.clone().into_bytes()].concat(), 400),
        (r#"{"method":"tools/call","params":{"name":"\ud800"}}"#.into(), 400),
        (b"{\"method\":\"tools/call\",\"params\":{\"name\":\"\xff\"}}".to_vec(), 400),
        (r#"{"method":"tools/call",/**/"params":{"name":"write_note"}}"#.into(), 400),
        (r#"{'method':'tools/call','params':{'name':'write_note'}}"#.into(), 400),
        (r#"{"method":"tools/call","params":{"name":"write_note"}"#.into(), 400),
        ("null".into(), 400),
        ("\"tools/call\"".into(), 400),
        (" ".into(), 400),
        ("jsonrpc=2.0&method=tools/call&name=write_note".into(), 400),
    ];
    for (body, status) in cases {
        let shown = String::from_utf8_lossy(&body).into_owned();
        seen.lock().expect("a lock").clear();
        let page = post(&app, &bearer, &[], &body).await;
        assert_eq!(page.status, status, "{shown}: {}", page.body);
        let passed = seen.lock().expect("a lock").clone();
        match status {
            200 => assert_eq!(passed, [body], "{shown}: unchanged"),
            _ => assert_eq!(passed, Vec::<Vec<u8>>::new(), "{shown}: nothing goes on"),
        }
        if status == 400 {
            let error = json_of(&page);
            assert!(error["error"]["code"].is_i64() && error["jsonrpc"] == "2.0", "{error}");
            assert_eq!(text(&page, "www-authenticate"), "", "{shown}: more scopes would not help");
        }
    }
}

/// What a client says of its message in headers is for those who route it.
#[tokio::test]
async fn the_body_counts_and_not_the_headers() {
    let world = World::with(TABLES).await;
    let (app, seen, bearer) = behind(&world).await;
    let lie = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list"), ("mcp-name", "whoami")];
    let page = post(&app, &bearer, &lie, call("write_note").to_string().as_bytes()).await;
    assert_eq!((page.status.as_u16(), asked(&page)), (403, "read write"));
    for media_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let page =
            post(&app, &bearer, &[("content-type", media_type)], call("write_note").to_string().as_bytes()).await;
        assert_eq!(page.status, 403, "{media_type}");
    }
    for method in ["PUT", "PATCH", "GET", "DELETE", "QUERY"] {
        let headers = [("authorization", bearer.as_str())];
        let page = ask(&app, &format!("{method} /mcp"), &headers, &call("write_note").to_string()).await;
        assert_eq!(page.status, 403, "{method}");
        assert_eq!(ask(&app, &format!("{method} /mcp"), &headers, "").await.status, 200, "{method} without a message");
    }
    assert_eq!(seen.lock().expect("a lock").len(), 5);
}

#[tokio::test]
async fn a_message_is_read_up_to_four_mebibytes_and_only_where_tools_need_scopes() {
    let padded = |length: usize| {
        let message = call("whoami").to_string();
        format!("{message}{}", " ".repeat(length - message.len()))
    };
    let world = World::with(TABLES).await;
    let (app, seen, bearer) = behind(&world).await;
    assert_eq!(post(&app, &bearer, &[], padded(4 << 20).as_bytes()).await.status, 200);
    let page = post(&app, &bearer, &[], padded((4 << 20) + 1).as_bytes()).await;
    assert_eq!((page.status.as_u16(), &json_of(&page)["error"]["code"]), (413, &json!(-32600)));
    assert_eq!(seen.lock().expect("a lock").len(), 1);

    let world = World::new().await;
    let (app, seen, bearer) = behind(&world).await;
    for body in [padded((4 << 20) + 1), "no JSON".into()] {
        assert_eq!(post(&app, &bearer, &[], body.as_bytes()).await.status, 200);
    }
    assert_eq!(seen.lock().expect("a lock").len(), 2);
}

/// Without a token nothing of the body is looked at: the order of the checks.
#[tokio::test]
async fn a_message_is_read_only_for_a_good_token() {
    let world = World::with(TABLES).await;
    for (headers, status) in
        [(&[][..], 401), (&[("authorization", "Bearer x")], 401), (&[("host", "evil.example")], 403)]
    {
        let page = ask(&world.router, "POST /mcp", headers, "{").await;
        assert_eq!(page.status, status, "{headers:?}");
    }
    // What every call needs is told even of a message that nobody can read.
    let (_, tokens) = tokens_of(ORIGIN, &world.router, &[("scope", "write")]).await;
    let page = ask(&world.router, "POST /mcp", &[("authorization", &format!("Bearer {}", tokens.access()))], "{").await;
    assert_eq!((page.status.as_u16(), asked(&page)), (403, "read write"));
}

/// The lines of a page that tell what the client will be able to do, and which of them are marked as new.
fn permissions(page: &Page) -> Vec<(String, bool)> {
    let list = page.body.split_once("class=\"scopes\"").expect("permissions").1;
    let list = list.split_once("</ul>").expect("their end").0;
    let line = |item: &str| {
        let words = item.split_once("class=\"words\">").expect("words").1;
        (words.split_once("</span>").expect("their end").0.to_owned(), item.contains(">New<"))
    };
    list.split("<li>").skip(1).map(line).collect()
}

fn lines(expected: &[(&str, bool)]) -> Vec<(String, bool)> {
    expected.iter().map(|(words, new)| ((*words).to_owned(), *new)).collect()
}

/// The issue's sentence: a repeated authorization shows the whole of what will then be granted with the new part marked.
#[tokio::test]
async fn who_is_signed_in_reads_the_whole_with_the_new_part_marked() {
    let world = World::with(TABLES).await;
    let client = world.client().await;
    let mut browser = world.browser();
    let first = client.redeem(&code_of(&client.authorize(&mut browser, &[]).await), &[]).await;
    assert_eq!(first.text("scope"), "read", "the default of the mount");
    let page = client.call("/mcp", Some(first.access()), &call("write_note")).await;
    assert_eq!((page.status.as_u16(), asked(&page)), (403, "read write"));

    let wanted = asked(&page).to_owned();
    let page = consent_page(&client, &mut browser, &[("scope", &wanted)]).await;
    assert!(knows_who(&page));
    assert_eq!(permissions(&page), lines(&[("Read your data", false), ("Change your data", true)]));
    let page = browser.press(&page, "allow").await;
    let second = client.redeem(&code_of(&page), &[]).await;
    assert_eq!(second.text("scope"), "read write", "what the page showed, and no more");
    let page = client.call("/mcp", Some(second.access()), &call("write_note")).await;
    assert_eq!(page.status, 200, "{}", page.body);

    // The next step: what was new is known now.
    let page = client.call("/mcp", Some(second.access()), &call("delete_note")).await;
    let page = consent_page(&client, &mut browser, &[("scope", asked(&page))]).await;
    let known = [("Do everything", true), ("Read your data", false), ("Change your data", false)];
    assert_eq!(permissions(&page), lines(&known));
    // A step up that was not taken changes nothing.
    browser.submit(&page, &[("answer", "cancel")]).await;
    assert_eq!(client.call("/mcp", Some(second.access()), &call("write_note")).await.status, 200);
    assert_eq!(client.call("/mcp", Some(second.access()), &call("delete_note")).await.status, 403);
    // And the first token still may what it could.
    assert_eq!(client.call("/mcp", Some(first.access()), &call("whoami")).await.status, 200);
    assert_eq!(client.call("/mcp", Some(first.access()), &call("write_note")).await.status, 403);
}

/// The same where the person is known only after the upstream.
#[tokio::test]
async fn who_signs_in_anew_reads_the_whole_after_the_upstream() {
    let world = World::with(TABLES).await;
    let client = world.client().await;
    let first = world.tokens_for(&client, &[("scope", "read")]).await;
    let page = client.call("/mcp", Some(first.access()), &call("write_note")).await;
    let wanted = asked(&page).to_owned();

    let mut browser = world.browser();
    let page = consent_page(&client, &mut browser, &[("scope", &wanted)]).await;
    assert!(!knows_who(&page));
    let unmarked = [("Read your data", false), ("Change your data", false)];
    assert_eq!(permissions(&page), lines(&unmarked), "whose consent is not known yet");
    let confirm = browser.press(&page, UPSTREAM).await;
    assert!(confirm.body.contains("Continue as"), "{confirm:?}");
    assert_eq!(permissions(&confirm), lines(&[("Read your data", false), ("Change your data", true)]));
    let second = client.redeem(&code_of(&browser.press(&confirm, "continue").await), &[]).await;
    assert_eq!(second.text("scope"), "read write");
    assert_eq!(client.call("/mcp", Some(second.access()), &call("write_note")).await.status, 200);
}

/// A client that keeps asking for what the challenge says, as those before 2026-07-28 do, loses nothing on the way.
#[tokio::test]
async fn a_client_that_asks_for_exactly_what_it_is_told_never_goes_in_circles() {
    let world = World::with(TABLES).await;
    let client = world.client().await;
    let mut scope = "read admin".to_owned();
    for tool in ["write_note", "delete_note", "whoami", "write_note"] {
        let tokens = world.tokens_for(&client, &[("scope", &scope)]).await;
        let page = client.call("/mcp", Some(tokens.access()), &call(tool)).await;
        if page.status == 403 {
            scope = asked(&page).to_owned();
        }
    }
    assert_eq!(scope, "admin read write");
    assert_eq!(world.tokens_for(&client, &[("scope", &scope)]).await.text("scope"), "admin read write");
}

/// A narrower refresh narrows one access token: its step-up is a refresh away, and the challenge does not say less for it.
#[tokio::test]
async fn an_access_token_narrowed_by_a_refresh_is_told_what_it_lacks() {
    let world = World::with(TABLES).await;
    let client = world.client().await;
    let whole = world.tokens_for(&client, &[("scope", "read write")]).await;
    let narrow = client.refresh(whole.refresh(), &[("scope", "read")]).await;
    assert_eq!(narrow.text("scope"), "read");
    let page = client.call("/mcp", Some(narrow.access()), &call("write_note")).await;
    assert_eq!((page.status.as_u16(), asked(&page)), (403, "read write"));
    let again = client.refresh(narrow.refresh(), &[]).await;
    assert_eq!(again.text("scope"), "read write", "the refresh token kept its scope");
    assert_eq!(client.call("/mcp", Some(again.access()), &call("write_note")).await.status, 200);
    assert_eq!(client.refresh(again.refresh(), &[("scope", "read admin")]).await.error(), "invalid_scope");
}

/// A server within the same application asks for more by the same words as the guard.
#[tokio::test]
async fn an_embedded_server_asks_for_more_as_the_guard_does() {
    async fn handler(Extension(caller): Extension<Caller>, needs: String) -> Result<String, StepUp> {
        let needs: Vec<&str> = needs.split_whitespace().collect();
        caller.needs(&needs)?;
        Ok("done".to_owned())
    }
    let tables = TABLES.lines().filter(|line| !line.starts_with("tools")).collect::<Vec<_>>().join("\n");
    let world = World::with(&tables).await;
    let app = Router::new().route_service("/mcp", world.jean.guard(any(handler))).merge(world.jean.router());
    let (_, tokens) = tokens_of(ORIGIN, &app, &[("scope", "read admin")]).await;
    let bearer = format!("Bearer {}", tokens.access());
    let send = async |needs: &str| ask(&app, "POST /mcp", &[("authorization", &bearer)], needs).await;
    for needs in ["", "read", "admin read"] {
        assert_eq!(send(needs).await.body, "done", "{needs}");
    }
    let page = send("write admin").await;
    assert_eq!((page.status.as_u16(), json_of(&page)["error"].as_str()), (403, Some("insufficient_scope")));
    assert_eq!(text(&page, "www-authenticate"), challenge("write", "admin read write"));
    assert_eq!(text(&page, "cache-control"), "no-store");
    // A scope that nobody can have, and a word that is none: refused all the same.
    for needs in ["none", "\"", "read Read"] {
        assert_eq!(send(needs).await.status, 403, "{needs}");
    }
}

/// The word of the operator holds for each mount alone.
#[tokio::test]
async fn the_tools_of_one_mount_are_not_those_of_the_other() {
    let tables = format!("{TABLES}[mcp.notes]\nscopes = {{ read = \"Read notes\", write = \"Write notes\" }}\n");
    let world = World::with(&tables).await;
    let client: Client = world.client().await;
    let resource = "http://localhost:8080/notes";
    let tokens = world.tokens_for(&client, &[("resource", resource), ("scope", "read")]).await;
    assert_eq!(client.call("/notes", Some(tokens.access()), &call("write_note")).await.status, 200);
}
