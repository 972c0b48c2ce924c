//! Which button to press in which app, so that the app forgets its registration and connects again.
//!
//! An app is recognised by the client id or the redirect URI of its request. Anyone can send these, so they are good for
//! advice only, and never for identity. The names of the buttons are those of 2026; see `README.md` for each app.

use crate::http::pages::Step;
use crate::oauth::redirect::RedirectUri;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct App {
    pub(crate) name: &'static str,
    /// Client ids and redirect URIs that only this app uses; `*` stands for any end.
    own: &'static [&'static str],
    /// Redirect URIs that other apps use too. On loopback, an entry without a port stands for any port.
    shared: &'static [&'static str],
    /// Each step, and a text to copy for it: `{url}` is the MCP URL, `{name}` a name for it.
    steps: &'static [(&'static str, &'static str)],
}

/// All known apps, those with narrower patterns first.
pub(crate) const APPS: &[App] = &[
    App {
        name: "Claude",
        own: &[
            "https://claude.ai/oauth/mcp-oauth-client-metadata",
            "https://claude.ai/api/mcp/auth_callback",
            "https://claude.com/api/mcp/auth_callback",
        ],
        shared: &[],
        steps: &[
            ("On the web or on the desktop, open Settings, then Connectors. It may be under Customize.", ""),
            ("Remove this connector. In a Team or Enterprise plan, an owner has to do it.", ""),
            ("Choose “Add custom connector”, and enter the same address.", "{url}"),
            ("Press Connect.", ""),
        ],
    },
    App {
        name: "Claude Code",
        own: &["https://claude.ai/oauth/claude-code-client-metadata"],
        shared: &["http://localhost/callback", "http://127.0.0.1/callback"],
        steps: &[
            ("Type /mcp, choose this server, then “Clear authentication”.", ""),
            ("Choose the server again, then “Authenticate”.", ""),
            ("If this page comes back, remove the server in a terminal.", "claude mcp remove {name}"),
            ("Then add it again, and sign in by /mcp.", "claude mcp add --transport http {name} {url}"),
        ],
    },
    App {
        name: "Codex",
        own: &["https://chatgpt.com/oauth/codex/*"],
        shared: &["http://127.0.0.1/callback", "http://localhost/callback"],
        steps: &[
            ("Sign out of this server in a terminal.", "codex mcp logout {name}"),
            ("Then sign in again.", "codex mcp login {name}"),
        ],
    },
    App {
        name: "ChatGPT",
        own: &[
            "https://chatgpt.com/oauth/*",
            "https://chatgpt.com/connector/oauth/*",
            "https://chatgpt.com/connector_platform_oauth_redirect",
        ],
        shared: &[],
        steps: &[
            ("Open Settings, then Apps. It may be called Connectors.", ""),
            ("Open this app, and delete it. In a workspace, an admin may have to do it.", ""),
            ("Choose Create, and enter the same address.", "{url}"),
            ("Press Connect.", ""),
        ],
    },
    App {
        name: "VS Code",
        own: &[
            "https://vscode.dev/oauth/client-metadata.json",
            "https://vscode.dev/redirect",
            "https://insiders.vscode.dev/redirect",
            "http://127.0.0.1:33418",
            "http://127.0.0.1:33418/",
        ],
        shared: &["http://127.0.0.1/"],
        steps: &[
            ("Open the Command Palette: Ctrl+Shift+P, on a Mac Shift+Cmd+P.", ""),
            ("Run this command, and choose this server.", "Authentication: Remove Dynamic Authentication Providers"),
            ("Run this command, choose this server, and start it again.", "MCP: List Servers"),
        ],
    },
    App {
        name: "Cursor",
        own: &[
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "https://cursor.com/agents/mcp/oauth/callback",
        ],
        shared: &["http://localhost:8787/callback"],
        steps: &[
            ("Open Cursor Settings, then MCP. It may be called Tools & MCP.", ""),
            (
                "At this server choose Logout, then Connect. If you see no Logout, remove the server and add it again.",
                "",
            ),
            (
                "If this page comes back, run this in the Command Palette. That signs you out of every MCP server.",
                "Cursor: Clear All MCP Tokens",
            ),
        ],
    },
    App {
        name: "MCP Inspector",
        own: &[
            "http://localhost:6274/oauth/callback",
            "http://localhost:6274/oauth/callback/debug",
            "http://127.0.0.1:6274/oauth/callback",
            "http://127.0.0.1:6276/oauth/callback",
        ],
        shared: &[],
        steps: &[
            ("In the server's Settings press “Clear stored OAuth state”. In version 1 it is “Clear OAuth State”.", ""),
            ("On the command line, add this option instead.", "--relogin"),
            ("Connect again.", ""),
        ],
    },
    App {
        name: "mcp-remote",
        own: &[],
        shared: &["http://localhost/oauth/callback", "http://127.0.0.1/oauth/callback"],
        steps: &[
            ("Quit the app that runs mcp-remote.", ""),
            ("Delete this folder. That signs you out of every server that mcp-remote has connected to.", "~/.mcp-auth"),
            ("Start the app again.", ""),
        ],
    },
];

/// The server that texts to copy name.
pub(crate) struct Server {
    /// A name under which an app can add it.
    pub(crate) name: String,
    /// The MCP URL.
    pub(crate) url: String,
}

/// The apps that a request may come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Recognised {
    /// This app: only it uses the client id or the redirect URI.
    One(&'static App),
    /// One of these, or an unknown app. May be empty.
    Perhaps(Vec<&'static App>),
}

/// Recognises an app by its request. The values are neither verified nor known to be well-formed.
pub(crate) fn recognise(client_id: &str, redirect_uri: &str) -> Recognised {
    let own = |sign: &str| APPS.iter().find(|app| app.own.iter().any(|own| is_like(own, sign)));
    if let Some(app) = own(client_id).or_else(|| own(redirect_uri)) {
        return Recognised::One(app);
    }
    let any_port = RedirectUri::parse(redirect_uri).map(|uri| uri.without_port()).unwrap_or_default();
    let shares = |app: &&App| app.shared.iter().any(|shared| *shared == redirect_uri || *shared == any_port);
    Recognised::Perhaps(APPS.iter().filter(shares).collect())
}

fn is_like(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    }
}

impl App {
    /// The steps by which the app forgets a server and connects again. Without `server` there are no texts to copy.
    pub(crate) fn steps(&self, server: Option<&Server>) -> Vec<Step> {
        let fill = |text: &str| match server {
            Some(Server { name, url }) => text.replace("{name}", name).replace("{url}", url),
            None if text.contains('{') => String::new(),
            None => text.to_owned(),
        };
        self.steps.iter().map(|(words, text)| Step { words: (*words).to_owned(), copy: fill(text) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(client_id: &str, redirect_uri: &str) -> Vec<&'static str> {
        match recognise(client_id, redirect_uri) {
            Recognised::One(app) => vec![app.name],
            Recognised::Perhaps(apps) => apps.into_iter().map(|app| app.name).chain(["?"]).collect(),
        }
    }

    #[test]
    fn an_app_is_recognised_by_its_client_id_or_its_redirect_uri() {
        for (sign, app) in [
            ("https://claude.ai/oauth/mcp-oauth-client-metadata", "Claude"),
            ("https://claude.ai/api/mcp/auth_callback", "Claude"),
            ("https://claude.com/api/mcp/auth_callback", "Claude"),
            ("https://claude.ai/oauth/claude-code-client-metadata", "Claude Code"),
            ("https://chatgpt.com/oauth/codex/abc/client.json", "Codex"),
            ("https://chatgpt.com/oauth/client.json", "ChatGPT"),
            ("https://chatgpt.com/oauth/abc/client.json", "ChatGPT"),
            ("https://chatgpt.com/connector/oauth/abc", "ChatGPT"),
            ("https://chatgpt.com/connector_platform_oauth_redirect", "ChatGPT"),
            ("https://vscode.dev/oauth/client-metadata.json", "VS Code"),
            ("https://vscode.dev/redirect", "VS Code"),
            ("https://insiders.vscode.dev/redirect", "VS Code"),
            ("http://127.0.0.1:33418/", "VS Code"),
            ("cursor://anysphere.cursor-mcp/oauth/callback", "Cursor"),
            ("https://www.cursor.com/agents/mcp/oauth/callback", "Cursor"),
            ("http://localhost:6274/oauth/callback", "MCP Inspector"),
            ("http://localhost:6274/oauth/callback/debug", "MCP Inspector"),
            ("http://127.0.0.1:6274/oauth/callback", "MCP Inspector"),
            ("http://127.0.0.1:6276/oauth/callback", "MCP Inspector"),
        ] {
            assert_eq!(names("jean-made-this", sign), [app], "{sign}");
            assert_eq!(names(sign, ""), [app], "{sign}");
            assert_eq!(names(sign, "https://other.example/cb"), [app], "{sign}");
        }
    }

    #[test]
    fn what_several_apps_use_is_a_guess() {
        let any = "jean-made-this";
        assert_eq!(names(any, "http://localhost:52100/callback"), ["Claude Code", "Codex", "?"]);
        assert_eq!(names(any, "http://127.0.0.1:52100/callback"), ["Claude Code", "Codex", "?"]);
        assert_eq!(names(any, "http://localhost:8787/callback"), ["Claude Code", "Codex", "Cursor", "?"]);
        assert_eq!(names(any, "http://127.0.0.1:40000/"), ["VS Code", "?"]);
        assert_eq!(names(any, "http://localhost:3334/oauth/callback"), ["mcp-remote", "?"]);
    }

    #[test]
    fn what_only_resembles_an_app_is_none() {
        for sign in [
            "",
            "https://claude.ai/api/mcp/auth_callback/",
            "https://claude.ai.evil.example/api/mcp/auth_callback",
            "https://evil.example/https://claude.ai/api/mcp/auth_callback",
            "https://chatgpt.com.evil.example/connector/oauth/x",
            "http://localhost:6274/other",
            "https://localhost/callback",
            "http://localhost.evil.example/callback",
            "cursor://other/oauth/callback",
            "\u{0}http://localhost/callback",
            "*",
        ] {
            assert_eq!(names(sign, sign), ["?"], "{sign}");
        }
    }

    #[test]
    fn every_app_has_steps_and_none_is_left_unfilled() {
        let server = Server { name: "notes".into(), url: "https://notes.example/mcp".into() };
        for app in APPS {
            for server in [None, Some(&server)] {
                let steps = app.steps(server);
                assert!(steps.len() >= 2, "{}", app.name);
                let is_filled = |text: &str| !text.contains(['{', '}']);
                assert!(steps.iter().all(|step| is_filled(&step.words) && is_filled(&step.copy)), "{steps:?}");
            }
        }
        let steps = APPS[1].steps(Some(&server));
        assert_eq!(steps[3].copy, "claude mcp add --transport http notes https://notes.example/mcp");
        assert_eq!(APPS[1].steps(None)[3].copy, "");
    }
}
