//! The arrows between modules: every `use` and every path of `src` is read, and one that points the wrong way fails.

use std::path::{Path, PathBuf};

/// Who must not name what: files (a folder ends in a slash), the names that are forbidden there, and what excepts them.
struct Rule {
    files: &'static [&'static str],
    except: &'static [&'static str],
    forbidden: &'static [&'static str],
}

const fn rule(
    files: &'static [&'static str],
    except: &'static [&'static str],
    forbidden: &'static [&'static str],
) -> Rule {
    Rule { files, except, forbidden }
}

/// Everything in `src`.
const ALL: &[&str] = &[""];

/// What reaches out of the process, and what serves.
const IO: [&str; 9] =
    ["axum", "askama", "tokio", "tower_sessions", "sqlx", "reqwest", "std::fs", "std::net::TcpStream", "std::env"];

const RULES: &[Rule] = &[
    // The protocol's words know nobody but the clock and chance.
    rule(&["oauth/"], &[], &IO),
    rule(
        &["oauth/"],
        &[],
        &[
            "crate::app",
            "crate::config",
            "crate::flow",
            "crate::http",
            "crate::keys",
            "crate::mcp",
            "crate::secret",
            "crate::server",
            "crate::store",
            "crate::testing",
            "crate::upstream",
            "crate::cli",
        ],
    ),
    // Decisions know neither HTTP nor HTML.
    rule(
        &["flow/"],
        &[],
        &["axum", "askama", "tower_sessions", "cookie", "crate::http", "crate::mcp", "crate::server", "crate::testing"],
    ),
    // The surface goes through the flows.
    rule(
        &["http/", "mcp/"],
        &[],
        &["sqlx", "crate::store", "crate::keys", "crate::upstream", "crate::server", "crate::testing"],
    ),
    rule(&["http/"], &[], &["crate::mcp"]),
    rule(&["app.rs"], &[], &["crate::flow", "crate::http", "crate::mcp", "crate::server", "axum", "sqlx"]),
    rule(
        &["store/"],
        &[],
        &[
            "axum",
            "crate::app",
            "crate::flow",
            "crate::http",
            "crate::mcp",
            "crate::keys",
            "crate::upstream",
            "crate::server",
        ],
    ),
    rule(
        &["upstream", "keys.rs", "fetch"],
        &["upstream/tests.rs"],
        &[
            "axum",
            "sqlx",
            "crate::app",
            "crate::store",
            "crate::flow",
            "crate::http",
            "crate::mcp",
            "crate::server",
            "crate::testing",
        ],
    ),
    rule(
        &["config/"],
        &[],
        &[
            "axum",
            "sqlx",
            "crate::app",
            "crate::flow",
            "crate::http",
            "crate::keys",
            "crate::mcp",
            "crate::server",
            "crate::store",
            "crate::upstream",
        ],
    ),
    rule(&["clock.rs", "random.rs"], &[], &["crate::"]),
    // A protocol's crate has one home.
    rule(ALL, &["upstream"], &["openidconnect"]),
    rule(ALL, &["keys.rs", "testing/"], &["jsonwebtoken"]),
    rule(ALL, &["store/"], &["sqlx"]),
    rule(ALL, &["config/"], &["figment", "toml"]),
    rule(ALL, &["mcp/"], &["rmcp"]),
    rule(ALL, &["http/", "testing/"], &["askama", "tower_sessions"]),
    rule(ALL, &["http/", "mcp/", "server.rs", "cli/serve.rs", "testing/"], &["axum"]),
    // Below the server there are settings, not the configuration; the program uses the public API.
    rule(
        ALL,
        &["config/", "server.rs", "lib.rs", "cli/"],
        &["crate::config::Config", "crate::config::{Config", "crate::Config"],
    ),
    rule(&["main.rs", "cli/"], &[], &["crate::"]),
    rule(&["cli/serve.rs"], &[], &["jean::testing"]),
    // One clock; one source of chance.
    rule(ALL, &["clock.rs"], &["SystemTime::now", "Instant::now", "now_utc", "now_local", "Utc::now"]),
    rule(ALL, &["random.rs", "keys.rs", "testing/"], &["SystemRandom", "rand::fill", "getrandom", "thread_rng"]),
    // SQLite reports success for a write whose commit fails, if only one row is fetched.
    rule(&["store/"], &[], &["fetch_one", "fetch_optional"]),
];

impl Rule {
    fn covers(&self, file: &str) -> bool {
        let among = |list: &[&str]| list.iter().any(|start| file.starts_with(start));
        among(self.files) && !among(self.except)
    }

    /// The lines that break the rule.
    fn broken_by(&self, file: &str, text: &str) -> Vec<String> {
        if !self.covers(file) {
            return Vec::new();
        }
        let lines = code(text);
        let found = |name: &&&str| lines.iter().any(|(_, line)| names(line, name));
        let forbidden = self.forbidden.iter().filter(found);
        forbidden
            .flat_map(|name| {
                lines.iter().filter(move |(_, line)| names(line, name)).map(move |(i, line)| (i, line, name))
            })
            .map(|(i, line, name)| format!("src/{file}:{i}: names {name}: {}", line.trim()))
            .collect()
    }
}

/// Whether the line names this path as a whole: `toml` is in `toml::from_str` and `use toml;`, not in `from_toml` or
/// `jean.toml`.
fn names(line: &str, name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + name.len()..];
        let begins = !before.is_some_and(|c| word(c) || c == ':' || c == '.')
            || name.contains("::") && !before.is_some_and(word);
        let begins = begins
            || matches!(name, "fetch_one" | "fetch_optional" | "now_utc" | "now_local") && !before.is_some_and(word);
        let ends = name.ends_with(':') || !after.starts_with(word);
        // A crate is named by a path or a use; a module's own name by anything.
        let is_path = name.contains(':')
            || name.starts_with("fetch_")
            || name.starts_with("now_")
            || !name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
            || after.starts_with("::")
            || line.trim_start().trim_start_matches("pub ").starts_with("use ");
        begins && ends && is_path
    })
}

/// The numbered lines of code: without comments, texts in quotes, and the tests at the foot. `use crate::{a, b}` is read as
/// one line for each name.
fn code(text: &str) -> Vec<(usize, String)> {
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut lines = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = without_texts(line.split("//").next().unwrap_or_default());
        match line.split_once("crate::{") {
            Some((_, list)) => {
                let list = list.split('}').next().unwrap_or_default();
                lines.extend(list.split(',').map(|name| (i + 1, format!("use crate::{};", name.trim()))));
            }
            None => lines.push((i + 1, line)),
        }
    }
    lines
}

fn without_texts(line: &str) -> String {
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("an entry").path();
        match path.extension() {
            _ if path.is_dir() => sources(&path, files),
            Some(extension) if extension == "rs" => files.push(path),
            _ => {}
        }
    }
}

#[test]
fn no_arrow_points_the_wrong_way() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    files.sort();
    assert!(files.len() > 60, "all of src is read: {}", files.len());
    let mut broken = Vec::new();
    for path in files {
        let file = path.strip_prefix(&src).expect("below src").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a source");
        broken.extend(RULES.iter().flat_map(|rule| rule.broken_by(&file, &text)));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_line_that_breaks_a_rule_is_found() {
    let breaks = |file: &str, line: &str| RULES.iter().any(|rule| !rule.broken_by(file, line).is_empty());
    for (file, line) in [
        ("oauth/scope.rs", "use axum::Json;"),
        ("oauth/scope.rs", "use crate::store::Store;"),
        ("oauth/scope.rs", "    std::fs::read(path)?;"),
        ("flow/code.rs", "use axum::http::HeaderMap;"),
        ("flow/code.rs", "    tower_sessions::Session::new()"),
        ("http/token.rs", "use crate::store::Error;"),
        ("http/token.rs", "    app.find().map_err(|error: crate::store::Error| error)"),
        ("http/token.rs", "use crate::{app, store};"),
        ("http/token.rs", "pub use sqlx;"),
        ("store/grant.rs", "use crate::flow::code;"),
        ("store/grant.rs", "    query.fetch_optional(&pool).await"),
        ("upstream/http.rs", "use crate::store::Store;"),
        ("keys.rs", "use crate::app::App;"),
        ("flow/keys.rs", "use jsonwebtoken::Header;"),
        ("flow/login.rs", "use openidconnect::Nonce;"),
        ("flow/code.rs", "use crate::config::Config;"),
        ("flow/code.rs", "use crate::config::{Config, Problems};"),
        ("http/home.rs", "    let now = std::time::SystemTime::now();"),
        ("http/home.rs", "    toml::from_str(text)"),
        ("app.rs", "use crate::flow::verify::Verified;"),
        ("cli/serve.rs", "use crate::server::Jean;"),
    ] {
        assert!(breaks(file, line), "{file}: {line}");
    }
    for (file, line) in [
        ("oauth/scope.rs", "//! Unlike axum's."),
        ("oauth/scope.rs", "    let axum = \"sqlx::query\";"),
        ("flow/code.rs", "use crate::store::Store;"),
        ("http/token.rs", "use axum::Json; // sqlx"),
        ("http/home.rs", "    Config::from_toml(text)"),
        ("flow/code.rs", "use crate::config::settings::Settings;"),
        ("flow/code.rs", "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use axum::Json;\n}"),
    ] {
        assert!(!breaks(file, line), "{file}: {line}");
    }
}
