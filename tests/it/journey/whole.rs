//! The whole way, from nothing to a tool call, on both databases.

use serde_json::Value;

use crate::support::{BOTH, World};

#[tokio::test]
async fn a_newcomer_connects_and_calls_a_tool() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        assert_eq!(tokens.text("token_type"), "Bearer");
        assert_eq!(tokens.text("scope"), "read");
        let page = client.whoami(tokens.access()).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let answer: Value = serde_json::from_str(&page.body).expect("JSON");
        let person = &answer["result"]["structuredContent"];
        assert_eq!(person["name"], "Ada Lovelace");
        assert_eq!(person["email"], "ada-lovelace@example.com");
        assert_eq!(person["client"]["name"], "Scripted client");
        assert_eq!(person["scopes"], serde_json::json!(["read"]));

        let refreshed = client.refresh(tokens.refresh(), &[]).await;
        assert_eq!(refreshed.status, 200, "{}", refreshed.json);
        assert_eq!(client.whoami(refreshed.access()).await.status, 200);

        assert_eq!(client.revoke(refreshed.refresh()).await.status, 200);
        assert_eq!(client.whoami(refreshed.access()).await.status, 401);
        assert_eq!(client.refresh(refreshed.refresh(), &[]).await.error(), "invalid_grant");
    }
}
