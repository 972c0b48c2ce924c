//! The endpoints of clients that know no metadata (MCP 2025-03-26, "Fallbacks for Servers without Metadata Discovery").

use std::fmt;

/// An endpoint that a client without metadata takes for granted, at the root of the MCP server's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DefaultEndpoint {
    /// The authorization endpoint.
    Authorize,
    /// The token endpoint.
    Token,
    /// The registration endpoint.
    Register,
}

impl DefaultEndpoint {
    /// All of them.
    pub(crate) const ALL: [DefaultEndpoint; 3] =
        [DefaultEndpoint::Authorize, DefaultEndpoint::Token, DefaultEndpoint::Register];

    /// The path, below the origin and not below the path of `public_url`.
    pub(crate) fn path(self) -> &'static str {
        match self {
            DefaultEndpoint::Authorize => "/authorize",
            DefaultEndpoint::Token => "/token",
            DefaultEndpoint::Register => "/register",
        }
    }
}

impl fmt::Display for DefaultEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}
