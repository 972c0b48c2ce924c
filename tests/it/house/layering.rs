//! The arrows between modules: every path in `src` is read, and one that points the wrong way fails.

use std::path::{Path, PathBuf};

/// Which of our modules each file or folder may name. What has no row fails: a new module says where it stands.
const ARROWS: &[(&str, &[&str])] = &[
    ("main.rs", &[]),
    ("cli/", &[]),
    (
        "server/",
        &[
            "Caller", "app", "clock", "config", "fetch", "flow", "http", "keys", "mcp", "oauth", "random", "secret",
            "store", "testing", "upstream", "wire",
        ],
    ),
    ("http/", &["app", "clock", "config", "flow", "http", "oauth", "random", "wire"]),
    ("mcp/", &["app", "clock", "config", "flow", "mcp", "oauth", "wire"]),
    ("wire/", &["clock", "config", "oauth", "random", "wire"]),
    ("flow/", &["app", "clock", "config", "fetch", "flow", "keys", "oauth", "random", "secret", "store", "upstream"]),
    ("app/", &["clock", "config", "fetch", "keys", "oauth", "secret", "store", "upstream"]),
    ("store/", &["clock", "config", "oauth", "store"]),
    ("upstream/", &["clock", "config", "oauth", "upstream"]),
    ("keys/", &["clock", "config", "oauth"]),
    ("fetch/", &["clock", "config", "fetch", "oauth"]),
    ("config/", &["clock", "config", "oauth", "random"]),
    ("secret.rs", &["random"]),
    ("oauth/", &["clock", "oauth", "random"]),
    ("clock/", &[]),
    ("random.rs", &[]),
    ("testing/", &["clock", "http", "oauth", "random", "testing"]),
    ("conformance/", &["Clock", "Config", "Jean", "ManualClock", "SystemClock", "conformance", "random", "testing"]),
    ("lib.rs", &[]),
];

/// Names with a home: a crate that one module hides, and what is done in one place only.
const HOMES: &[(&str, &[&str])] = &[
    ("sqlx", &["store/"]),
    ("openidconnect", &["upstream/"]),
    ("jsonwebtoken", &["keys/", "testing/"]),
    ("rmcp", &["mcp/"]),
    ("figment", &["config/"]),
    ("toml", &["config/"]),
    ("askama", &["http/", "testing/"]),
    ("tower_sessions", &["http/"]),
    ("axum", &["http/", "mcp/", "wire/", "server/", "cli/serve.rs", "conformance/bench.rs", "testing/"]),
    ("reqwest", &["upstream/", "fetch/", "testing/"]),
    ("SystemTime::now", &["clock/mod.rs"]),
    ("Instant::now", &["clock/mod.rs"]),
    ("now_utc", &["clock/mod.rs"]),
    ("SystemRandom", &["conformance/key.rs", "keys/", "testing/"]),
    ("rand::fill", &["random.rs"]),
    // SQLite reports success for a write whose commit fails, where only one row is fetched.
    ("fetch_one", &[]),
    ("fetch_optional", &[]),
    // Who holds a connection runs each statement to its end.
    ("AnyPool", &["store/connections.rs", "store/open.rs"]),
    ("AnyPoolOptions", &["store/open.rs"]),
    ("AnyConnection", &["store/connections.rs", "store/door/", "store/open.rs", "store/watch.rs"]),
    ("fetch_all", &["store/connections.rs", "store/door/", "store/open.rs", "store/watch.rs"]),
];

/// What only the door for writes may say: where a transaction begins and ends. Anywhere else, a request that is dropped
/// could leave it open.
const OF_THE_DOOR: &[&str] = &[
    ".begin_with(",
    "pool.begin(",
    "connection.begin(",
    "Transaction<",
    "\"BEGIN",
    "\"SAVEPOINT",
    "\"COMMIT",
    "\"ROLLBACK",
];

/// The files that see what was configured; all others see the settings made of it.
const READ_CONFIG: &[&str] = &["config/", "server/", "lib.rs"];

/// What is wrong with a file, one line each.
fn wrong(file: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let within = |list: &[&str]| list.iter().any(|start| file.starts_with(start));
    let line = |at: usize| code[..at].matches('\n').count() + 1;
    let Some((_, allowed)) = ARROWS.iter().find(|(start, _)| file.starts_with(start)) else {
        return vec![format!("src/{file}: has no row in the table of arrows")];
    };
    let mut wrong = Vec::new();
    for (at, path) in own_paths(file, &code) {
        let module = path.split("::").next().unwrap_or_default();
        if !allowed.contains(&module) {
            wrong.push(format!("src/{file}:{}: may not name crate::{module}", line(at)));
        }
        if module == "config" && !within(READ_CONFIG) && !path.starts_with("config::settings") {
            wrong.push(format!("src/{file}:{}: reads the configuration, not the settings", line(at)));
        }
    }
    if !file.starts_with("store/door/") {
        let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (i, of_code) in text.lines().map(|line| line.split("//").next().unwrap_or_default()).enumerate() {
            let found = OF_THE_DOOR.iter().filter(|words| of_code.contains(*words));
            wrong.extend(found.map(|words| format!("src/{file}:{}: only the door for writes may say {words}", i + 1)));
        }
    }
    for (name, _) in HOMES.iter().filter(|(_, homes)| !within(homes)) {
        wrong.extend(words(&code, name).map(|at| format!("src/{file}:{}: may not name {name}", line(at))));
    }
    wrong
}

/// The paths from the crate's root that the code names, each with its place: those of `crate::{a, b::c}` one by one.
/// Where a file's parent is the root, `super::` is the same.
fn own_paths<'a>(file: &str, code: &'a str) -> Vec<(usize, &'a str)> {
    let of_the_root = !file.contains('/') || file.ends_with("/mod.rs") && file.matches('/').count() == 1;
    let roots = if of_the_root { &["crate::", "super::"][..] } else { &["crate::"] };
    let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':');
    let mut paths = Vec::new();
    for root in roots {
        for at in words(code, root.trim_end_matches(':')).filter(|at| code[*at..].starts_with(root)) {
            let rest = &code[at + root.len()..];
            match rest.strip_prefix('{') {
                None => paths.push((at, rest.split(ends).next().unwrap_or_default())),
                Some(list) => {
                    let names = top_level(list).into_iter().map(|name| name.split(ends).next().unwrap_or_default());
                    paths.extend(names.filter(|name| !name.is_empty()).map(|name| (at, name)));
                }
            }
        }
    }
    paths
}

/// The items of a list in braces, up to its closing one; those within inner braces belong to their item.
fn top_level(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (i, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                items.push(list[start..i].trim());
                start = i + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    items
}

/// Where `name` stands as a whole word.
fn words<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    code.match_indices(name)
        .map(|(at, _)| at)
        .filter(move |at| !code[..*at].ends_with(word) && !code[at + name.len()..].starts_with(word))
}

/// The text without comments, texts in quotes, and the tests at its foot; the lines stay where they are.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let bare = |line: &str| line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
    text.lines().map(|line| bare(line.split("//").next().unwrap_or_default()) + "\n").collect()
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("an entry").path();
        match path.extension() {
            _ if path.is_dir() => sources(&path, files),
            Some(extension) if extension == "rs" && !path.ends_with("tests.rs") => files.push(path),
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
    let mut found = Vec::new();
    for path in files {
        let file = path.strip_prefix(&src).expect("below src").to_string_lossy().into_owned();
        found.extend(wrong(&file, &std::fs::read_to_string(&path).expect("a source")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn an_arrow_that_points_the_wrong_way_is_found() {
    for (file, text) in [
        ("oauth/scope.rs", "use axum::Json;"),
        ("oauth/scope.rs", "use crate::store::Store;"),
        ("flow/grant/code.rs", "use axum::http::HeaderMap;"),
        ("flow/grant/code.rs", "    tower_sessions::Session::new()"),
        ("flow/grant/code.rs", "use crate::config::Config;"),
        ("flow/grant/code.rs", "use crate::config::{Config, settings::Settings};"),
        ("flow/keys.rs", "use jsonwebtoken::Header;"),
        ("flow/journey/login.rs", "use openidconnect::Nonce;"),
        ("http/grant/token.rs", "use crate::store::Error;"),
        ("http/grant/token.rs", "    app.find().map_err(|error: crate::store::Error| error)"),
        ("http/grant/token.rs", "use crate::{\n    app::{App, Memory},\n    store,\n};"),
        ("http/mod.rs", "use super::store::Store;"),
        ("http/grant/token.rs", "pub use sqlx;"),
        ("http/home/landing.rs", "    let now = std::time::SystemTime::now();"),
        ("http/home/landing.rs", "    toml::from_str(text)"),
        ("store/grant.rs", "use crate::flow::code;"),
        ("store/grant.rs", "    query\n        .fetch_optional(&pool)"),
        ("store/grant.rs", "    let mut unit = self.pool.begin().await?;"),
        ("store/grant.rs", "    let mut unit = connection.begin_with(sql).await?;"),
        ("store/grant.rs", "    self.read(Stmt::new(\"BEGIN IMMEDIATE\", [])).await?;"),
        ("store/grant.rs", "    self.record(Stmt::new(\"COMMIT\", [])).await?;"),
        ("store/session.rs", "    query.fetch_all(&pool)"),
        ("upstream/http.rs", "use crate::store::Store;"),
        ("keys/mod.rs", "use crate::app::App;"),
        ("app/mod.rs", "use crate::flow::verify;"),
        ("cli/serve.rs", "use crate::server::Jean;"),
        ("elsewhere.rs", ""),
    ] {
        assert_eq!(wrong(file, text).len(), 1, "{file}: {text}: {:?}", wrong(file, text));
    }
    for (file, text) in [
        ("oauth/scope.rs", "//! Unlike axum's, and crate::store's."),
        ("oauth/scope.rs", "    let text = \"sqlx::query\";"),
        ("flow/grant/code.rs", "use crate::store::{Redemption, Store};\nuse crate::config::settings::Settings;"),
        ("flow/grant/code.rs", "use super::store;"),
        ("store/door/postgres.rs", "    connection.execute(\"BEGIN\").await?;"),
        ("flow/journey/consent.rs", "    login::begin(app, request)"),
        ("http/grant/token.rs", "pub(crate) use axum::Json; // sqlx"),
        ("http/home/landing.rs", "    Config::from_toml(text)"),
        ("flow/grant/code.rs", "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use axum::Json;\n}"),
    ] {
        assert_eq!(wrong(file, text), Vec::<String>::new(), "{file}");
    }
}
