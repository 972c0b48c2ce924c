//! The default endpoints of MCP 2025-03-26, for clients that know no metadata: `/authorize`, `/token` and `/register` at the
//! root of the origin.

use axum::Router;
use jean_testing::browser::{Browser, Page};
use jean_testing::client::{Client, Tokens};

use crate::support::wire::{ask, json_of, text};
use crate::support::{BOTH, Db, ORIGIN, World, code_of};

const PATHS: [&str; 3] = ["/authorize", "/token", "/register"];

/// A client that knows the MCP URL and no other address: all it asks is at the root of its origin.
struct Plain(Client);

impl Plain {
    async fn register(world: &World) -> Self {
        let mut client = Client::new(&world.origin, world.router.clone());
        let page = client.post_json("/register", &client.metadata()).await;
        assert_eq!(page.status, 201, "{}", page.body);
        client.id = json_of(&page)["client_id"].as_str().expect("a client id").to_owned();
        Plain(client)
    }

    async fn authorize(&self, browser: &mut Browser) -> Page {
        let url = self.0.authorization_url(&[]);
        self.0.authorize_at(browser, &url.replace("/oauth/authorize?", "/authorize?")).await
    }

    async fn token(&self, fields: &[(&str, &str)]) -> Tokens {
        let page = self.0.post_form("/token", fields, &[]).await;
        assert_eq!(page.status, 200, "{}", page.body);
        Tokens { status: page.status, json: json_of(&page) }
    }
}

/// <https://github.com/modelcontextprotocol/python-sdk/issues/3250>: after a restart the Python SDK has its tokens and no
/// metadata, refreshes at `ORIGIN/token`, and throws its tokens away at 404.
#[tokio::test]
async fn a_client_without_metadata_makes_the_whole_journey_at_the_root_of_the_origin() {
    for db in BOTH {
        for public_url in [ORIGIN, "http://localhost:8080/notes"] {
            let world = World::at(public_url, db, "").await;
            let plain = Plain::register(&world).await;
            let code = code_of(&plain.authorize(&mut world.browser()).await);
            let redeem = [
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", plain.0.redirect_uri.as_str()),
                ("code_verifier", plain.0.verifier.as_str()),
            ];
            let tokens = plain.token(&redeem).await;
            let next = plain.token(&[("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())]).await;
            let client = plain.0.at(public_url, world.router.clone());
            for tokens in [tokens, next] {
                assert_eq!(client.whoami(tokens.access()).await.status, 200, "{db:?}, {public_url}");
            }
        }
    }
}

/// A client that signed in by the metadata refreshes without it, and the other way round.
#[tokio::test]
async fn tokens_of_the_endpoints_in_the_metadata_are_refreshed_at_the_default_one() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        let plain = Plain(client);
        let next = plain.token(&[("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())]).await;
        assert_eq!(plain.0.refresh(next.refresh(), &[]).await.status, 200, "{db:?}");
    }
}

/// What a request is answered, as far as it does not change from one to the next.
fn outcome(page: &Page) -> (u16, Vec<String>) {
    let lasting = |name: &str| !["x-request-id", "set-cookie", "content-length"].contains(&name);
    let names = page.headers.keys().map(|name| name.as_str()).filter(|name| lasting(name));
    let mut headers: Vec<String> = names.map(|name| format!("{name}: {}", text(page, name))).collect();
    headers.sort();
    assert!(!text(page, "x-request-id").is_empty(), "{page:?}");
    (page.status.as_u16(), headers)
}

#[tokio::test]
async fn a_default_endpoint_treats_every_request_as_the_one_in_the_metadata_does() {
    let world = World::new().await;
    let client = world.client().await;
    let authorize = client.authorization_url(&[]).replace(&format!("{ORIGIN}/oauth"), "");
    let large = "x".repeat(70_000);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let page = ("origin", "https://inspector.example");
    let asks = |method| [page, ("access-control-request-method", method)];
    let framed = ("sec-fetch-dest", "iframe");
    for (method, path, headers, body) in [
        ("GET", authorize.as_str(), &[page][..], ""),
        ("GET", authorize.as_str(), &[framed], ""),
        ("GET", "/authorize?client_id=nobody", &[], ""),
        ("POST", "/authorize", &[form], "client_id=nobody"),
        ("POST", "/authorize", &[form], large.as_str()),
        ("POST", "/token", &[form, page], "grant_type=refresh_token&client_id=nobody"),
        ("POST", "/token", &[form], large.as_str()),
        ("POST", "/token", &[], ""),
        ("GET", "/token", &[], ""),
        ("OPTIONS", "/token", &asks("POST"), ""),
        ("POST", "/register", &[("content-type", "application/json"), page], "{}"),
        ("POST", "/register", &[("content-type", "application/json")], large.as_str()),
        ("OPTIONS", "/register", &asks("POST"), ""),
        ("PUT", "/register", &[], ""),
    ] {
        let original = ask(&world.router, &format!("{method} /oauth{path}"), headers, body).await;
        let default = ask(&world.router, &format!("{method} {path}"), headers, body).await;
        assert_eq!(outcome(&default), outcome(&original), "{method} {path} {headers:?}");
    }
}

/// The form of another site comes again by GET, and the page's own form goes to where our cookies are.
#[tokio::test]
async fn the_pages_of_a_default_endpoint_lead_to_the_paths_of_the_public_url() {
    let world = World::at("http://localhost:8080/notes", Db::Sqlite, "").await;
    let client = world.client().await;
    let query = client.authorization_url(&[]).replace("http://localhost:8080/notes/oauth/authorize?", "");
    let page = ask(&world.router, &format!("GET /authorize?{query}"), &[], "").await;
    assert!(page.body.contains("action=\"/notes/oauth/consent\""), "{}", page.body);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let page = ask(&world.router, "POST /authorize", &headers, &query).await;
    assert!(text(&page, "location").starts_with("/notes/oauth/authorize?"), "{page:?}");
}

/// The statuses of a POST at each default endpoint.
async fn statuses(router: &Router) -> [u16; 3] {
    let mut statuses = [0; 3];
    for (path, status) in PATHS.into_iter().zip(&mut statuses) {
        *status = ask(router, &format!("POST {path}"), &[], "").await.status.as_u16();
    }
    statuses
}

#[tokio::test]
async fn what_is_configured_at_the_path_of_a_default_endpoint_keeps_it() {
    let served = statuses(&World::new().await.router).await;
    assert_eq!(served, [415; 3], "no body");
    for (at, path) in PATHS.into_iter().enumerate() {
        let world = World::with(&format!("[mcp.default]\npath = \"{path}\"")).await;
        let mut expected = served;
        expected[at] = 401;
        assert_eq!(statuses(&world.router).await, expected, "the guard of the mount at {path}");
        let app = Router::new().route(path, axum::routing::any(async || "own")).merge(world.jean.default_endpoints());
        expected[at] = 200;
        assert_eq!(statuses(&app).await, expected, "an application serves the mount at {path} by itself");

        let world = World::at(&format!("{ORIGIN}{path}"), Db::Sqlite, "").await;
        expected[at] = 405;
        assert_eq!(statuses(&world.router).await, expected, "the landing page at {path}");
        assert_eq!(ask(&world.router, &format!("GET {path}"), &[], "").await.status, 200);
    }
}

#[tokio::test]
async fn an_application_has_the_default_endpoints_only_if_it_merges_them() {
    let world = World::new().await;
    let alone = Router::new().merge(world.jean.router()).merge(world.jean.home());
    assert_eq!(statuses(&alone).await, [404; 3]);
    assert_eq!(statuses(&alone.merge(world.jean.default_endpoints())).await, [415; 3]);
}
