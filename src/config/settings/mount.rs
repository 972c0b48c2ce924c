//! `[mcp.NAME]`.

use std::collections::BTreeMap;

use crate::oauth::resource::Resource;
use crate::oauth::scope::{Scope, Scopes};

/// One protected MCP endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    /// The table's name in `jean.toml`.
    pub name: String,
    /// Below `public_url`: `/mcp`.
    pub path: String,
    /// `public_url` with the path: the audience of its tokens.
    pub resource: Resource,
    /// The scopes and what each lets a client do, in words for people.
    pub scopes: BTreeMap<String, String>,
    /// The scopes granted where a client asks for none.
    pub default_scopes: Scopes,
    /// The scopes without which no call passes.
    pub required_scopes: Scopes,
    /// What the calls of some tools need beside.
    pub tools: Vec<ToolNeeds>,
    /// Origins that may call it from a browser, beside our own and loopback.
    pub allowed_origins: Vec<String>,
}

impl Mount {
    /// The scopes as a set.
    pub(crate) fn known_scopes(&self) -> Scopes {
        self.scopes.keys().filter_map(|name| Scope::parse(name)).collect()
    }

    /// What a call of this tool needs beside the required scopes: the scopes of every line that fits its name.
    pub(crate) fn needs(&self, tool: &str) -> Scopes {
        let fitting = self.tools.iter().filter(|needs| needs.fits(tool));
        fitting.fold(Scopes::default(), |all, needs| all.union(&needs.scopes))
    }
}

/// What the calls of one tool need, or of several whose names begin alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToolNeeds {
    /// The tool's name; a `*` at its end stands for any rest.
    pub name: String,
    /// The scopes.
    pub scopes: Scopes,
}

impl ToolNeeds {
    fn fits(&self, tool: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => tool.starts_with(start),
            None => tool == self.name,
        }
    }
}
