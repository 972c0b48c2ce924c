//! A client that is not known here, or not as it comes: a page that names the button to press in each app, and nothing but
//! `invalid_client` for programs.

use jean_testing::document::{Answer, DocumentHost};

use crate::support::browsing::{assert_page, reads};
use crate::support::{RESOURCE, World};

/// One row for each sign of each app: what comes as `client_id` and `redirect_uri`, and what the page has to say.
const APPS: &[(&str, &str, &[&str])] = &[
    ("jci_gone", "https://claude.ai/api/mcp/auth_callback", &["In Claude ", "Settings", "Connectors", RESOURCE]),
    ("jci_gone", "https://claude.com/api/mcp/auth_callback", &["In Claude ", "Add custom connector"]),
    (
        "jci_gone",
        "http://localhost:52100/callback",
        &[
            "If this is Claude Code ",
            "/mcp",
            "Clear authentication",
            "claude mcp remove",
            "If this is Codex ",
            "In another app",
        ],
    ),
    ("jci_gone", "http://127.0.0.1:52100/callback", &["If this is Claude Code ", "claude mcp add --transport http"]),
    ("jci_gone", "https://chatgpt.com/connector/oauth/abc", &["In ChatGPT ", "Settings", "Apps", RESOURCE]),
    ("jci_gone", "https://chatgpt.com/connector_platform_oauth_redirect", &["In ChatGPT "]),
    (
        "jci_gone",
        "https://vscode.dev/redirect",
        &["In VS Code ", "Authentication: Remove Dynamic Authentication Providers"],
    ),
    ("jci_gone", "https://insiders.vscode.dev/redirect", &["In VS Code "]),
    ("jci_gone", "http://127.0.0.1:33418/", &["In VS Code "]),
    ("jci_gone", "http://127.0.0.1:40000/", &["If this is VS Code ", "In another app"]),
    ("jci_gone", "cursor://anysphere.cursor-mcp/oauth/callback", &["In Cursor ", "Logout"]),
    ("jci_gone", "https://www.cursor.com/agents/mcp/oauth/callback", &["In Cursor "]),
    ("jci_gone", "http://localhost:8787/callback", &["If this is Cursor ", "If this is Claude Code "]),
    ("jci_gone", "http://localhost:6274/oauth/callback", &["In MCP Inspector ", "Clear OAuth State"]),
    ("jci_gone", "http://localhost:6274/oauth/callback/debug", &["In MCP Inspector "]),
    ("jci_gone", "http://localhost:3334/oauth/callback", &["If this is mcp-remote ", "~/.mcp-auth", "In another app"]),
    ("jci_gone", "https://other.example/callback", &["In the app ", "Remove the connection", RESOURCE]),
    ("jci_gone", "", &["In the app "]),
];

#[tokio::test]
async fn an_unknown_client_is_told_which_button_to_press_in_which_app() {
    let world = World::new().await;
    for (client_id, redirect_uri, said) in APPS {
        let mut client = world.stranger();
        client.id = (*client_id).to_owned();
        let page = world.browser().get(&client.authorization_url(&[("redirect_uri", redirect_uri)])).await;
        assert_page(&page, 400, "This app is not known here");
        let text = reads(&page);
        for words in *said {
            assert!(text.contains(words), "{redirect_uri}: {words:?} is not in {text}");
        }
        let sure = said[0].starts_with("In ") && said[0] != "In the app ";
        assert_eq!(text.contains("In the app") || text.contains("In another app"), !sure, "{redirect_uri}: {text}");
        assert!(text.contains("If you followed a link that someone sent you, close this page."), "{text}");
        // What is recognised vouches for nobody: not for the app, and not for the link.
        assert!(!text.contains("confirmed"), "{redirect_uri}: {text}");
    }
}

/// Where documents are turned off, their addresses are ids that nobody knows: the app is recognised by them, wherever it wants
/// the answer.
#[tokio::test]
async fn an_unknown_client_is_recognised_by_its_id_too() {
    let world = World::with("[clients]\ndocuments = false\n").await;
    for (client_id, said) in [
        ("https://claude.ai/oauth/mcp-oauth-client-metadata", ["In Claude ", "Connectors"]),
        ("https://claude.ai/oauth/claude-code-client-metadata", ["In Claude Code ", "Clear authentication"]),
        ("https://chatgpt.com/oauth/client.json", ["In ChatGPT ", "Settings"]),
        ("https://chatgpt.com/oauth/abc/client.json", ["In ChatGPT ", RESOURCE]),
        ("https://chatgpt.com/oauth/codex/abc/client.json", ["In Codex ", "codex mcp logout"]),
        ("https://vscode.dev/oauth/client-metadata.json", ["In VS Code ", "Remove Dynamic Authentication Providers"]),
        ("https://app.example/client.json", ["In the app ", "Remove the connection"]),
    ] {
        let mut client = world.stranger();
        client.id = client_id.to_owned();
        for redirect_uri in ["https://other.example/callback", ""] {
            let page = world.browser().get(&client.authorization_url(&[("redirect_uri", redirect_uri)])).await;
            assert_page(&page, 400, "This app is not known here");
            let text = reads(&page);
            assert!(said.iter().all(|words| text.contains(words)), "{client_id}, {redirect_uri}: {text}");
            assert!(!text.contains("If this is ") && !text.contains("In another app"), "no guess: {text}");
        }
    }
}

/// An app that registered another redirect URI gets the same help; one that registers nothing gets what helps there.
#[tokio::test]
async fn an_app_that_answers_elsewhere_now_is_told_what_to_do() {
    let world =
        World::with("[[clients.preregistered]]\nid = \"desk\"\nredirect_uris = [\"https://desk.example/callback\"]\n")
            .await;
    let client = world.client_at(&["http://localhost/callback"]).await;
    let changes = [("redirect_uri", "http://localhost:6274/oauth/callback/debug")];
    let page = world.browser().get(&client.authorization_url(&changes)).await;
    assert_page(&page, 400, "The answer would go to the wrong place");
    assert!(reads(&page).contains("In MCP Inspector "), "{}", page.body);

    let mut desk = world.stranger();
    desk.id = "desk".to_owned();
    let page = world
        .browser()
        .get(&desk.authorization_url(&[("redirect_uri", "https://claude.ai/api/mcp/auth_callback")]))
        .await;
    assert_page(&page, 400, "Tell the operator of this server");
    assert!(!reads(&page).contains("In Claude"), "adding it again would not help: {}", page.body);
}

/// A button that leads back to the same page helps nobody: where apps cannot register, the page says whom to ask.
#[tokio::test]
async fn where_apps_cannot_register_the_page_says_whom_to_ask() {
    for (tables, next, buttons) in [
        ("", "Reconnect the app. It will register again.", true),
        ("[clients]\ndocuments = false\n", "Reconnect the app. It will register again.", true),
        ("[clients]\nregistration = false\n", "If this page comes back, ask the operator of this server", true),
        (
            "[clients]\nregistration = false\ndocuments = false\n",
            "Only apps that the operator of this server has set up can connect. Ask the operator to set this one up.",
            false,
        ),
    ] {
        let mut world = World::new().await;
        let registered = world.client_at(&["http://localhost/callback"]).await;
        world.jean = world.start(&format!("{}\n{tables}", world.config)).await.expect("jean starts");
        world.router = world.jean.service();
        let mut unknown = registered.clone();
        unknown.id = "jci_gone".to_owned();
        unknown.redirect_uri = "cursor://anysphere.cursor-mcp/oauth/callback".to_owned();
        let mut moved = registered.clone();
        moved.redirect_uri.clone_from(&unknown.redirect_uri);
        for client in [unknown, moved] {
            let page = world.browser().get(&client.authorization_url(&[])).await;
            assert_page(&page, 400, "What to do next");
            let text = reads(&page);
            let moves = next.starts_with("Reconnect") && client.id == registered.id;
            let next = if moves { "Reconnect the app. It will register the address that it uses now." } else { next };
            assert!(text.contains(next), "{tables}: {text}");
            assert_eq!(text.contains("In Cursor "), buttons, "{tables}: {text}");
        }
    }
}

/// With several servers none can be named, and no step hangs in the air.
#[tokio::test]
async fn with_several_servers_no_address_is_guessed() {
    let world = World::with(
        "[mcp.default]\nscopes = { read = \"Read\" }\n[mcp.files]\npath = \"/files\"\nscopes = { read = \"Read\" }\n",
    )
    .await;
    for (client_id, redirect_uri, _) in APPS {
        let mut client = world.stranger();
        client.id = (*client_id).to_owned();
        let page = world.browser().get(&client.authorization_url(&[("redirect_uri", redirect_uri)])).await;
        assert_page(&page, 400, "This app is not known here");
        let text = reads(&page);
        assert!(!text.contains("/mcp ") || text.contains("Type /mcp") || text.contains("by /mcp"), "{text}");
        assert!(!text.contains('{') && !text.contains("claude mcp remove"), "{text}");
    }
}

#[tokio::test]
async fn whatever_is_accepted_the_answer_is_a_page() {
    let world = World::new().await;
    let client = world.client().await;
    let mut unknown = world.stranger();
    unknown.id = "jci_gone".to_owned();
    let urls = [
        unknown.authorization_url(&[]),
        client.authorization_url(&[("redirect_uri", "https://evil.example/")]),
        unknown.authorization_url(&[("client_id", "https://app.example")]),
        "/oauth/authorize".to_owned(),
        format!("{}&client_id=twice", client.authorization_url(&[])),
    ];
    for url in urls {
        for accept in ["text/html", "application/json", "*/*", "application/json, text/plain, */*", "image/png", ""] {
            let page = world.browser().send(&format!("GET {url}"), &[("accept", accept)], None).await;
            assert_page(&page, 400, "What to do next");
            assert_eq!(page.headers["content-type"], "text/html; charset=utf-8", "{accept}");
            assert!(!page.body.contains("{\""), "{}", page.body);
        }
    }
}

/// RFC 3986 section 3.2.2: a host can be spelled in many ways; shown is the one that was meant.
#[tokio::test]
async fn a_document_that_cannot_be_taken_gets_a_page_with_its_real_host() {
    let world = World::with("[clients]\ndocument_hosts = [\"*.example\", \"app.example\"]\n").await;
    for (id, status, title) in [
        ("https://app.example/client.json", 503, "app.example cannot be reached just now"),
        ("https://claude.ai@evil.example/client.json", 400, "This server does not ask evil.example about the app"),
        ("https://EVIL.example:8443/claude.ai", 400, "This server does not ask evil.example:8443 about the app"),
        ("https://%D0%B0pple.example/c", 400, "This server does not ask xn--pple-43d.example about the app"),
        ("https://xn--pple-43d.test/c", 403, "Apps from xn--pple-43d.test cannot connect here"),
        ("https://<script>alert(1)</script>.example/c", 400, "This app is not known here"),
        ("https://", 400, "This app is not known here"),
        ("http://", 400, "This app is not known here"),
    ] {
        let mut client = world.stranger();
        client.id = id.to_owned();
        let page = world.browser().get(&client.authorization_url(&[])).await;
        assert_page(&page, status, "What to do next");
        let text = reads(&page);
        assert!(text.starts_with(title), "{id}: {text}");
        assert!(!text.contains("claude.ai") && !page.body.contains("<script"), "{id}: {text}");
        assert!(text.contains("close this page"), "{id}: {text}");
    }
}

/// An address at which nothing is any more is a stale client id too.
#[tokio::test]
async fn an_app_whose_document_is_gone_is_told_which_button_to_press() {
    let world = World::new().await;
    let host = DocumentHost::start().await.expect("a document host");
    host.serve("/gone.json", Answer::status(404));
    for (redirect_uri, said) in [
        ("https://chatgpt.com/connector/oauth/abc", "In ChatGPT "),
        ("http://127.0.0.1:33418/", "In VS Code "),
        ("https://other.example/callback", "In the app "),
    ] {
        let mut client = world.stranger();
        client.id = host.url("/gone.json");
        let page = world.browser().get(&client.authorization_url(&[("redirect_uri", redirect_uri)])).await;
        assert_page(&page, 400, "does not describe the app");
        assert!(reads(&page).contains(said), "{redirect_uri}: {}", reads(&page));
    }
}

/// RFC 6749 section 5.2: by this answer clients know that they have to register anew.
#[tokio::test]
async fn at_the_token_endpoint_an_unknown_client_is_invalid_client() {
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    let mut unknown = client.clone();
    unknown.id = "jci_gone".to_owned();
    for method in ["none", "client_secret_basic", "client_secret_post"] {
        unknown.auth_method = method.to_owned();
        unknown.secret = (method != "none").then(|| "jcs1_something".to_owned());
        let answer = unknown.refresh(tokens.refresh(), &[]).await;
        assert_eq!((answer.status.as_u16(), answer.error()), (401, "invalid_client"), "{method}");
        let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
        let page = unknown.post_form("/oauth/token", &fields, &[]).await;
        assert_eq!(page.status, 401);
        let challenge = page.headers["www-authenticate"].to_str().expect("ASCII");
        assert!(challenge.starts_with("Basic realm="), "{method}: {challenge}");
        assert_eq!(page.headers["content-type"], "application/json", "{method}");
    }
    assert_eq!(client.refresh(tokens.refresh(), &[]).await.status, 200, "and nothing was spent");
}
