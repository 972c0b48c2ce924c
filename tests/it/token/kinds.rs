//! Every kind of token at every endpoint that is made for another kind (fastmcp #3524: a refresh token accepted as bearer).

use axum::http::{Method, StatusCode};
use jean_testing::client::Client;

use crate::support::World;
use crate::support::tokens::{assert_alive, assert_error, header_of};

/// One of each kind, all of the same client and all good.
struct Kinds {
    client: Client,
    all: Vec<(&'static str, String)>,
}

async fn kinds(world: &World) -> Kinds {
    let mut client = world.stranger();
    client.auth_method = "client_secret_post".to_owned();
    let registration = client.register().await;
    let tokens = world.tokens_for(&client, &[("scope", "openid read")]).await;
    let code = world.code_for(&client, &[]).await;
    let all = vec![
        ("code", code),
        ("access", tokens.access().to_owned()),
        ("id_token", tokens.text("id_token").to_owned()),
        ("refresh", tokens.refresh().to_owned()),
        ("secret", client.secret.clone().expect("a secret")),
        ("registration", registration["registration_access_token"].as_str().expect("a token").to_owned()),
        ("state", client.state.clone()),
        ("client_id", client.id.clone()),
        ("verifier", client.verifier.clone()),
    ];
    Kinds { client, all }
}

impl Kinds {
    fn except(&self, kind: &str) -> impl Iterator<Item = (&str, &str)> {
        self.all.iter().filter(move |(name, _)| *name != kind).map(|(name, value)| (*name, value.as_str()))
    }

    fn the(&self, kind: &str) -> &str {
        self.all.iter().find(|(name, _)| *name == kind).map(|(_, value)| value.as_str()).expect("a kind")
    }

    /// All of them are as good as before.
    async fn assert_untouched(&self) {
        let first = self.client.redeem(self.the("code"), &[]).await;
        assert_eq!(first.status, 200, "the code: {}", first.json);
        let second = self.client.refresh(self.the("refresh"), &[]).await;
        assert_eq!(second.status, 200, "the refresh token: {}", second.json);
        assert_eq!(self.client.whoami(self.the("access")).await.status, 200, "the access token");
        assert_alive(&self.client, &second).await;
    }
}

#[tokio::test]
async fn only_an_access_token_opens_the_mcp_server() {
    let world = World::new().await;
    let kinds = kinds(&world).await;
    for (kind, value) in kinds.except("access") {
        let page = kinds.client.whoami(value).await;
        assert_eq!(page.status, 401, "{kind}: {}", page.body);
        assert!(header_of(&page.headers, "www-authenticate").contains("error=\"invalid_token\""), "{kind}");
    }
    kinds.assert_untouched().await;
}

#[tokio::test]
async fn only_a_code_is_redeemed() {
    let world = World::new().await;
    let kinds = kinds(&world).await;
    for (kind, value) in kinds.except("code") {
        let refused = kinds.client.redeem(value, &[]).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (400, "invalid_grant"), "{kind}");
    }
    kinds.assert_untouched().await;
}

#[tokio::test]
async fn only_a_refresh_token_refreshes() {
    let world = World::new().await;
    let kinds = kinds(&world).await;
    for (kind, value) in kinds.except("refresh") {
        let refused = kinds.client.refresh(value, &[]).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (400, "invalid_grant"), "{kind}");
    }
    kinds.assert_untouched().await;
}

#[tokio::test]
async fn only_the_secret_authenticates_a_client() {
    let world = World::new().await;
    let kinds = kinds(&world).await;
    for (_, value) in kinds.except("secret") {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", kinds.the("refresh"))];
        let page = kinds.client.post_form("/oauth/token", &fields, &[("client_secret", value)]).await;
        assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
    }
    kinds.assert_untouched().await;
}

#[tokio::test]
async fn only_the_registration_token_manages_the_registration() {
    let world = World::new().await;
    let kinds = kinds(&world).await;
    let path = format!("/oauth/register/{}", kinds.client.id);
    for (kind, value) in kinds.except("registration") {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let authorization = format!("Bearer {value}");
            let page = world.send(&format!("{method} {path}"), &[("authorization", &authorization)], "").await;
            assert_eq!(page.status, 401, "{kind}: {}", page.body);
        }
    }
    kinds.assert_untouched().await;
}

#[tokio::test]
async fn only_access_and_refresh_tokens_are_revoked() {
    let world = World::new().await;
    let kinds = kinds(&world).await;
    for (kind, value) in kinds.except("refresh").filter(|(kind, _)| *kind != "access") {
        let page = kinds.client.revoke(value).await;
        assert_eq!((page.status.as_u16(), page.body.as_str()), (200, ""), "{kind}");
    }
    kinds.assert_untouched().await;
}

#[tokio::test]
async fn only_access_and_refresh_tokens_are_active() {
    let world = World::new().await;
    let kinds = kinds(&world).await;
    for (kind, value) in kinds.except("refresh") {
        let page = kinds.client.post_form("/oauth/introspect", &[("token", value)], &[]).await;
        let is_active = page.body.starts_with("{\"active\":true,");
        assert_eq!((page.status.as_u16(), is_active), (200, kind == "access"), "{kind}: {}", page.body);
    }
    kinds.assert_untouched().await;
}
