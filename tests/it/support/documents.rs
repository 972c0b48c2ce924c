//! Clients that are known by a metadata document: its path, and what comes of it.

use jean_testing::browser::Page;
use jean_testing::client::{Client, Tokens};
use jean_testing::document::DocumentHost;

use super::{World, code_of};

/// Where a document host has the client's document.
pub(crate) const PATH: &str = "/client.json";

/// The id of Claude, whose document ships with jean.
pub(crate) const CLAUDE: &str = "https://claude.ai/oauth/mcp-oauth-client-metadata";

/// The answer to the client's authorization request.
pub(crate) async fn opened(world: &World, client: &Client) -> Page {
    world.browser().get(&client.authorization_url(&[])).await
}

/// How often the document was asked for.
pub(crate) fn fetches(host: &DocumentHost) -> usize {
    host.requests_to(PATH).len()
}

/// The tokens of the client, after the whole way.
pub(crate) async fn tokens(world: &World, client: &Client) -> Tokens {
    let page = client.authorize(&mut world.browser(), &[]).await;
    let tokens = client.redeem(&code_of(&page), &[]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.json);
    tokens
}
