//! Resource indicators at the token endpoint (RFC 8707 section 2.2): a token is for one resource, and that one was approved.
//!
//! CVE-2025-69196 (fastmcp) and GHSA-p2fr-6hmx-4528 (better-auth): the resource was ignored, or chosen at token time.

use jean_testing::client::{Client, Tokens};
use serde_json::{Value, json};

use crate::support::tokens::{jwt_part, moved};
use crate::support::{BOTH, Db, RESOURCE, World, code_of};

const OTHER: &str = "http://localhost:8080/notes";

/// Two mounts with a scope of their own each, and one in common.
const TWO: &str = "[mcp.default]\nscopes = { read = \"Read\", files = \"Use files\" }\n\
                   [mcp.notes]\nscopes = { read = \"Read\", notes = \"Use notes\" }\n";

#[track_caller]
fn audience(tokens: &Tokens) -> Value {
    assert_eq!(tokens.status, 200, "{}", tokens.json);
    jwt_part(tokens.access(), 1)["aud"].clone()
}

/// What `tools/list` answers at both mounts.
async fn statuses(client: &Client, token: &str) -> (u16, u16) {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let one = client.call("/mcp", Some(token), &message).await.status.as_u16();
    (one, client.call("/notes", Some(token), &message).await.status.as_u16())
}

/// A code for both resources.
async fn code_for_both(world: &World, client: &Client) -> String {
    let resources = format!("&resource={RESOURCE}&resource={OTHER}&scope=read+files+notes");
    let url = client.authorization_url(&[]) + &resources;
    code_of(&client.authorize_at(&mut world.browser(), &url).await)
}

#[tokio::test]
async fn the_audience_is_the_one_resource_however_it_is_spelled() {
    let world = World::new().await;
    let client = world.client().await;
    for (asked, named) in [
        ("", ""),
        (RESOURCE, ""),
        ("", RESOURCE),
        (RESOURCE, RESOURCE),
        ("HTTP://LOCALHOST:8080/mcp/", "http://localhost:8080/mcp/"),
    ] {
        let code = world.code_for(&client, &[("resource", asked)]).await;
        let tokens = client.redeem(&code, &[("resource", named)]).await;
        assert_eq!(audience(&tokens), RESOURCE, "{asked:?} {named:?}");
        let refreshed = client.refresh(tokens.refresh(), &[("resource", named)]).await;
        assert_eq!(audience(&refreshed), RESOURCE);
    }
}

/// Neither the token request nor a refresh widens or changes what was approved.
#[tokio::test]
async fn a_token_for_a_resource_that_was_not_approved_is_refused() {
    for db in BOTH {
        let world = World::on(db, TWO).await;
        let client = world.client().await;
        let code = world.code_for(&client, &[("resource", RESOURCE), ("scope", "read notes files")]).await;
        for other in [OTHER, "http://localhost:8080", "https://elsewhere.example/mcp", "http://localhost:8080/MCP"] {
            assert_eq!(client.redeem(&code, &[("resource", other)]).await.error(), "invalid_target", "{db:?} {other}");
        }
        let tokens = client.redeem(&code, &[]).await;
        assert_eq!((audience(&tokens), tokens.text("scope")), (json!(RESOURCE), "files read"));
        assert_eq!(statuses(&client, tokens.access()).await, (200, 401), "a foreign audience is refused");
        for other in [OTHER, "https://elsewhere.example/mcp"] {
            let refused = client.refresh(tokens.refresh(), &[("resource", other)]).await;
            assert_eq!(refused.error(), "invalid_target", "{db:?} {other}");
        }
        assert_eq!(world.database().await.generation().await, 1, "nothing was rotated");
        assert_eq!(audience(&client.refresh(tokens.refresh(), &[]).await), RESOURCE);
    }
}

/// RFC 8707 section 2.2: of several that were approved each token is for one, with that one's scopes only.
#[tokio::test]
async fn of_several_approved_resources_each_token_is_for_one() {
    for db in BOTH {
        let world = World::on(db, TWO).await;
        let client = world.client().await;
        let code = code_for_both(&world, &client).await;
        assert_eq!(client.redeem(&code, &[]).await.error(), "invalid_target", "none is named");
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("code_verifier", &client.verifier),
            ("resource", RESOURCE),
            ("resource", OTHER),
        ];
        assert_eq!(client.token(&fields, &[]).await.error(), "invalid_target", "both are named");
        let tokens = client.redeem(&code, &[("resource", RESOURCE)]).await;
        assert_eq!((audience(&tokens), tokens.text("scope")), (json!(RESOURCE), "files read"));
        assert_eq!(statuses(&client, tokens.access()).await, (200, 401));

        assert_eq!(client.refresh(tokens.refresh(), &[]).await.error(), "invalid_target");
        let notes = client.refresh(tokens.refresh(), &[("resource", OTHER)]).await;
        assert_eq!((audience(&notes), notes.text("scope")), (json!(OTHER), "notes read"));
        assert_eq!(statuses(&client, notes.access()).await, (401, 200));
        let again = client.refresh(notes.refresh(), &[("resource", RESOURCE)]).await;
        assert_eq!((audience(&again), again.text("scope")), (json!(RESOURCE), "files read"));
    }
}

/// RFC 6749 section 3.3: a scope is never empty, so there is no token for a resource of whose scopes none was asked for.
#[tokio::test]
async fn the_scopes_of_one_resource_make_no_token_for_another() {
    let world = World::with(TWO).await;
    let client = world.client().await;
    let url = client.authorization_url(&[]) + &format!("&resource={RESOURCE}&resource={OTHER}&scope=notes");
    let code = code_of(&client.authorize_at(&mut world.browser(), &url).await);
    assert_eq!(client.redeem(&code, &[("resource", RESOURCE)]).await.error(), "invalid_scope");
    let tokens = client.redeem(&code, &[("resource", OTHER)]).await;
    assert_eq!((audience(&tokens), tokens.text("scope")), (json!(OTHER), "notes"), "the code was not spent");
    assert_eq!(client.refresh(tokens.refresh(), &[("resource", RESOURCE)]).await.error(), "invalid_scope");

    let code = code_for_both(&world, &client).await;
    let tokens = client.redeem(&code, &[("resource", RESOURCE)]).await;
    let notes = [("resource", RESOURCE), ("scope", "notes")];
    assert_eq!(client.refresh(tokens.refresh(), &notes).await.error(), "invalid_scope");
    let both = client.refresh(tokens.refresh(), &[("resource", RESOURCE), ("scope", "notes files")]).await;
    assert_eq!((audience(&both), both.text("scope")), (json!(RESOURCE), "files"), "nothing was rotated before");
}

/// RFC 8707 section 2: several at once, each in whatever spelling clients use.
#[tokio::test]
async fn two_mounts_are_told_apart_in_every_spelling() {
    let world = World::with(TWO).await;
    let client = world.client().await;
    let spelled =
        "&resource=HTTP://LocalHost:8080/mcp/&resource=http://localhost:8080/notes/&resource=http://LOCALHOST:8080/mcp";
    let url = client.authorization_url(&[("scope", "read files notes claudeai")]) + spelled;
    let mut browser = world.browser();
    let page = browser.get(&url).await;
    for words in ["Read", "Use files", "Use notes"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let code = code_of(&client.authorize_at(&mut browser, &url).await);
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("code_verifier", &client.verifier),
        ("resource", "http://localhost:8080/notes/"),
        ("resource", "HTTP://localhost:8080/notes"),
    ];
    let notes = client.token(&fields, &[]).await;
    assert_eq!((audience(&notes), notes.text("scope")), (json!(OTHER), "notes read"), "one resource in two spellings");
    let files = client.refresh(notes.refresh(), &[("resource", "HTTP://LOCALHOST:8080/mcp/")]).await;
    assert_eq!((audience(&files), files.text("scope")), (json!(RESOURCE), "files read"));
    assert_eq!(statuses(&client, files.access()).await, (200, 401));
    // A scope of the one resource is none of the other's.
    let narrow = client.refresh(files.refresh(), &[("resource", RESOURCE), ("scope", "notes read")]).await;
    assert_eq!((audience(&narrow), narrow.text("scope")), (json!(RESOURCE), "read"));
}

/// Behind https the default port is one more spelling; another path, port or scheme is another resource.
#[tokio::test]
async fn a_bad_resource_is_answered_where_it_was_sent() {
    let world = World::at("https://jean.example", Db::Sqlite, "").await;
    let (client, stranger) = (world.client().await, world.client().await);
    assert_eq!(audience(&world.tokens_for(&client, &[]).await), "https://jean.example/mcp");
    for good in ["https://jean.example:443/mcp", "HTTPS://JEAN.example/mcp/"] {
        let code = world.code_for(&client, &[("resource", good)]).await;
        for bad in [
            "https://jean.example",
            "https://jean.example/",
            "https://jean.example/mcp//",
            "https://jean.example/MCP",
            "https://jean.example/mcp?x=1",
            "https://jean.example/mcp#x",
            "https://jean.example:8443/mcp",
            "https://jean.example./mcp",
            "https://x@jean.example/mcp",
            "https://jean.example/x/../mcp",
            "https://jean.example\\mcp",
            "http://jean.example/mcp",
            "jean.example/mcp",
            "urn:jean",
        ] {
            let page = world.browser().get(&stranger.authorization_url(&[("resource", bad)])).await;
            let link = page.body.contains("error=invalid_target");
            assert!(page.leads_to().is_none() && link, "{bad}: by a link, since nobody knows the client: {page:?}");
            // Where the client holds a grant, the answer goes to it at once.
            let page = world.browser().get(&client.authorization_url(&[("resource", bad)])).await;
            assert_eq!(
                page.redirect_params().get("error").map(String::as_str),
                Some("invalid_target"),
                "{bad}: {page:?}"
            );
            assert_eq!(page.redirect_params().get("iss").map(String::as_str), Some("https://jean.example"), "{bad}");
            let refused = client.redeem(&code, &[("resource", bad)]).await;
            assert_eq!((refused.status.as_u16(), refused.error()), (400, "invalid_target"), "{bad}");
        }
        let tokens = client.redeem(&code, &[("resource", good)]).await;
        assert_eq!(audience(&tokens), "https://jean.example/mcp", "and the code was not burned");
    }
}

/// A mount that the operator took away or moved: the client is told, and loses nothing should it come back.
#[tokio::test]
async fn a_resource_that_is_not_served_any_more_costs_neither_code_nor_refresh_token() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        let code = world.code_for(&client, &[]).await;
        let elsewhere = world
            .start(&world.config.replace("[mcp.default]", "[mcp.default]\npath = \"/moved\""))
            .await
            .expect("jean starts");
        let client_there = moved(&client, &elsewhere);
        for changes in [vec![], vec![("resource", RESOURCE)], vec![("resource", "http://localhost:8080/moved")]] {
            let refused = client_there.refresh(tokens.refresh(), &changes).await;
            assert_eq!((refused.status.as_u16(), refused.error()), (400, "invalid_target"), "{db:?} {changes:?}");
            let refused = client_there.redeem(&code, &changes).await;
            assert_eq!((refused.status.as_u16(), refused.error()), (400, "invalid_target"), "{db:?} {changes:?}");
        }
        world.clock.advance(50);
        assert_eq!(client.redeem(&code, &[]).await.status, 200, "the code is still good");
        assert_eq!(world.database().await.number("SELECT MAX(rt_gen) FROM grants").await, 1, "nothing was rotated");
        assert_eq!(client.refresh(tokens.refresh(), &[]).await.status, 200);
    }
}

/// The same where two mounts become one: what is still served goes on.
#[tokio::test]
async fn the_resource_that_stays_goes_on_when_another_one_goes() {
    let world = World::with(TWO).await;
    let client = world.client().await;
    let tokens = client.redeem(&code_for_both(&world, &client).await, &[("resource", OTHER)]).await;
    let (one_mount, _) = world.config.split_once("[mcp.notes]").expect("two mounts");
    let jean = world.start(one_mount).await.expect("jean starts");
    let client = moved(&client, &jean);
    assert_eq!(client.refresh(tokens.refresh(), &[("resource", OTHER)]).await.error(), "invalid_target");
    let next = client.refresh(tokens.refresh(), &[("resource", RESOURCE)]).await;
    assert_eq!((audience(&next), next.text("scope")), (json!(RESOURCE), "files read"));
}
