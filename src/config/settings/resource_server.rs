//! `[[resource_servers]]`.

use crate::oauth::client_id::ClientId;
use crate::oauth::resource::Resource;
use crate::oauth::token::TokenHash;

/// A resource server that asks about access tokens (RFC 7662), as MCP servers elsewhere do.
#[derive(Clone, Debug)]
pub(crate) struct ResourceServer {
    /// By what it names itself.
    pub id: ClientId,
    /// The hash of its secret.
    pub secret: TokenHash,
    /// What it serves: it learns of tokens for these and no other.
    pub resources: Vec<Resource>,
}
