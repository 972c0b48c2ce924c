//! What is a key in a row is bounded when it comes in: PostgreSQL takes 2,700 bytes for a key, and a longer one would be a
//! fault of the server for ever. What came in earlier is read.

use axum::http::StatusCode;
use jean_testing::client::Client;
use serde_json::json;

use crate::support::browsing::{assert_page, consent_page, error_to, knows_who, reads};
use crate::support::tokens::{assert_alive, assert_error};
use crate::support::{BOTH, Db, World, code_of};

/// So many characters that cannot be compressed, since a database may compress what it keeps.
fn noise(length: usize) -> String {
    let mut state = 88_172_645_463_325_252_u64;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(state % 32) as usize])
    };
    (0..length).map(|_| letter()).collect()
}

/// A text of so many bytes that begins like this.
fn long(start: &str, length: usize) -> String {
    format!("{start}{}", noise(length - start.len()))
}

/// Two MCP endpoints, whose URLs have so many bytes together, with the space between them.
async fn world_of(db: Db, length: usize) -> (World, [String; 2]) {
    let urls = [long("http://localhost:8080/a", 512), long("http://localhost:8080/b", length - 513)];
    let paths = urls.each_ref().map(|url| url.replace("http://localhost:8080", ""));
    let table = |name: &str, path: &str| format!("[mcp.{name}]\npath = \"{path}\"\nscopes = {{ read = \"Read\" }}\n");
    let tables = table("default", &paths[0]) + &table("other", &paths[1]);
    (World::on(db, &tables).await, urls)
}

fn url(client: &Client, resources: &[String; 2]) -> String {
    let url = client.authorization_url(&[("resource", &resources[0]), ("scope", "read")]);
    format!("{url}&resource={}", resources[1])
}

/// From the consent page through the provider, with everything that is kept on the way, and once more.
#[tokio::test]
async fn the_longest_of_everything_works_from_end_to_end() {
    for db in BOTH {
        let (world, resources) = world_of(db, 1024).await;
        let redirect_uri = long("https://client.example/", 1024);
        let client = world.document(&long("https://client.example/", 512), Some("Long"), &[&redirect_uri]).await;
        let mut browser = world.browser();
        for _ in 0..2 {
            let page = client.authorize_at(&mut browser, &url(&client, &resources)).await;
            let tokens = client.redeem(&code_of(&page), &[("resource", &resources[0])]).await;
            assert_eq!(tokens.status, 200, "{db:?}: {}", tokens.json);
            let tokens = client.refresh(tokens.refresh(), &[("resource", &resources[1])]).await;
            assert_eq!(tokens.status, 200, "{db:?}: {}", tokens.json);
            assert_eq!(client.revoke(tokens.refresh()).await.status, 200, "{db:?}");
        }
        let consents = "SELECT COUNT(*) FROM consents WHERE LENGTH(client) = 512 AND LENGTH(redirect_uri) = 1024 \
                        AND LENGTH(resource) = 1024";
        assert_eq!(world.database().await.number(consents).await, 1, "{db:?}");
    }
}

#[tokio::test]
async fn what_is_one_byte_longer_is_refused_in_words() {
    for db in BOTH {
        let (world, resources) = world_of(db, 1025).await;
        let client = world.client_at(&["http://localhost/callback"]).await;
        let page = world.browser().get(&url(&client, &resources)).await;
        assert_eq!(error_to(&page, &client), "invalid_target", "{db:?}");
        assert!(page.redirect_params()["error_description"].contains("too many resources"), "{page:?}");
        let one = [("resource", resources[0].as_str()), ("scope", "read")];
        assert!(!knows_who(&consent_page(&client, &mut world.browser(), &one).await), "{db:?}: each is fine");

        let uris = json!({ "redirect_uris": [long("https://client.example/", 1025)] });
        let page = world.stranger().post_json("/oauth/register", &uris).await;
        assert_error(&page, StatusCode::BAD_REQUEST, "invalid_redirect_uri");
        assert!(page.body.contains("longer than 1024 bytes"), "{}", page.body);

        let id = long("https://client.example/", 513);
        let client = world.document(&id, Some("Long"), &["https://client.example/cb"]).await;
        let page = world.browser().get(&client.authorization_url(&one)).await;
        assert_page(&page, 400, "its address is longer than 512 bytes");
        let rows = world.rows().await;
        assert!(rows.iter().all(|(table, rows)| *rows == 0 || *table == "sessions"), "{db:?}: {rows:?}");
    }
}

/// Sessions of an earlier day go on and age out; nothing new begins.
#[tokio::test]
async fn what_came_in_when_longer_keys_were_taken_is_still_read() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let mut client = world.document("https://client.example/c", Some("Old"), &["https://client.example/cb"]).await;
        let tokens = world.tokens_for(&client, &[]).await;
        let (id, uri) = (long("https://client.example/", 1500), long("https://client.example/", 2000));
        let mut database = world.database().await;
        database
            .run(format!(
                "UPDATE clients SET id = '{id}', metadata = replace(metadata, 'https://client.example/cb', '{uri}')"
            ))
            .await;
        database.run(format!("UPDATE grants SET client = '{id}', redirect_uri = '{uri}'")).await;
        client.id = id;
        let refreshed = client.refresh(tokens.refresh(), &[]).await;
        assert_eq!(refreshed.status, 200, "{db:?}: {}", refreshed.json);
        let refreshed = assert_alive(&client, &refreshed).await;
        let page = world.browser().get(&client.authorization_url(&[])).await;
        assert_page(&page, 400, "its address is longer than 512 bytes");
        assert_eq!(client.revoke(refreshed.refresh()).await.status, 200, "{db:?}");

        // A redirect URI alone.
        let client = world.client().await;
        database
            .run(format!("UPDATE clients SET metadata = replace(metadata, 'https://client.example/callback', '{uri}')"))
            .await;
        for asked in [uri.as_str(), ""] {
            let page = world.browser().get(&client.authorization_url(&[("redirect_uri", asked)])).await;
            assert_page(&page, 400, "The answer would go to the wrong place");
            assert!(!reads(&page).contains("503"), "{db:?}");
        }
    }
}
