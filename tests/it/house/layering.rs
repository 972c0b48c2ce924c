//! The arrows between modules: every path in `src` is read, and one that points the wrong way fails. So does a circle between
//! files, a module and those below it included.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which of our modules each file or folder may name. What has no row fails: a new module says where it stands.
const ARROWS: &[(&str, &[&str])] = &[
    ("main.rs", &[]),
    ("cli/", &[]),
    (
        "server/",
        &[
            "Caller", "clock", "config", "fetch", "flow", "http", "keys", "listen", "mcp", "oauth", "random", "secret",
            "store", "upstream", "wire",
        ],
    ),
    ("http/", &["clock", "config", "flow", "http", "oauth", "random", "wire"]),
    ("mcp/", &["clock", "config", "flow", "mcp", "oauth", "wire"]),
    ("wire/", &["clock", "config", "oauth", "random", "wire"]),
    ("flow/", &["clock", "config", "fetch", "flow", "keys", "oauth", "random", "secret", "store", "upstream"]),
    ("store/", &["clock", "config", "oauth", "store"]),
    ("upstream/", &["clock", "config", "oauth", "upstream"]),
    ("listen/", &[]),
    ("keys/", &["clock", "config", "oauth"]),
    ("fetch/", &["clock", "config", "fetch", "oauth"]),
    ("config/", &["clock", "config", "oauth", "random"]),
    ("secret.rs", &["random"]),
    ("oauth/", &["clock", "oauth", "random"]),
    ("clock/", &[]),
    ("random.rs", &[]),
    ("testing.rs", &["Jean", "clock", "mcp"]),
    ("lib.rs", &[]),
];

/// Names with a home: a crate that one module hides, and what is done in one place only.
const HOMES: &[(&str, &[&str])] = &[
    ("sqlx", &["store/"]),
    ("openidconnect", &["upstream/"]),
    ("jsonwebtoken", &["keys/"]),
    ("rmcp", &["mcp/backend/"]),
    ("clap", &["main.rs", "cli/"]),
    ("anyhow", &["main.rs", "cli/"]),
    ("tracing_subscriber", &["cli/"]),
    ("jean_testing", &["server/dev.rs"]),
    ("jean_checks", &["cli/conformance.rs"]),
    ("figment", &["config/"]),
    ("toml", &["config/"]),
    ("askama", &["http/"]),
    ("tower_sessions", &["http/"]),
    ("axum", &["http/", "mcp/", "wire/", "server/", "listen/", "cli/serve.rs"]),
    ("reqwest", &["upstream/", "fetch/"]),
    ("SystemTime::now", &["clock/time.rs"]),
    // The timers of connections are tokio's: they decide nothing of the protocol.
    ("Instant::now", &["clock/time.rs", "listen/"]),
    ("hyper", &["listen/"]),
    ("rustix", &["listen/"]),
    ("now_utc", &["clock/time.rs"]),
    ("SystemRandom", &["keys/"]),
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

/// The other packages of the workspace, and what each must not name: they are the other side of jean's tests.
const CRATES: &[(&str, &[&str])] = &[("testing", &["jean", "jean_checks"]), ("checks", &["jean"])];

/// Which of these names a file of another package holds, one line each.
fn wrong_in_crate(file: &str, text: &str, forbidden: &[&str]) -> Vec<String> {
    let code = code(text);
    let line = |at: usize| code[..at].matches('\n').count() + 1;
    let names = forbidden.iter().flat_map(|name| words(&code, name).map(move |at| (at, name)));
    names.map(|(at, name)| format!("{file}:{}: may not name {name}", line(at))).collect()
}

/// Which of these packages a manifest depends on, for its tests too.
fn wrong_in_manifest(manifest: &str, forbidden: &[&str]) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().expect("a manifest");
    let tables = manifest.iter().filter(|(key, _)| key.ends_with("dependencies"));
    let dependencies = tables.filter_map(|(_, table)| table.as_table()).flatten();
    let names = dependencies.map(|(name, what)| what.get("package").and_then(|name| name.as_str()).unwrap_or(name));
    names.map(|name| name.replace('-', "_")).filter(|name| forbidden.contains(&name.as_str())).collect()
}

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

/// The module of a file, as a path from the crate's root.
fn module_of(file: &str) -> Vec<&str> {
    let path = file.trim_end_matches(".rs");
    path.strip_suffix("/mod").unwrap_or(path).split('/').collect()
}

/// Every path that the code names, as parts from the crate's root: those of `{a, b::c}` one by one.
fn named_paths(file: &str, code: &str) -> Vec<Vec<String>> {
    let own = module_of(file);
    let mut named = Vec::new();
    for root in ["crate", "super", "self"] {
        for at in words(code, root).filter(|at| code[at + root.len()..].starts_with("::")) {
            // `super::super::x` is found at its beginning; who may see an item is no arrow.
            if ["super::", "self::", "pub(in "].iter().any(|before| code[..at].ends_with(before)) {
                continue;
            }
            spell_out(&code[at..], &[], &mut named);
        }
    }
    // A module of this file, named without a root.
    let imports = words(code, "use").map(|at| code[at + "use".len()..].trim_start());
    for path in imports.filter(|path| !["crate", "super", "self"].iter().any(|root| path.starts_with(root))) {
        spell_out(path, &["self"], &mut named);
    }
    let resolve = |path: Vec<&str>| {
        let mut from: Vec<&str> = if path[0] == "crate" { Vec::new() } else { own.clone() };
        for part in path {
            match part {
                "crate" | "self" => {}
                "super" => drop(from.pop()),
                part => from.push(part),
            }
        }
        from.into_iter().map(str::to_owned).collect()
    };
    named.into_iter().map(resolve).collect()
}

/// The paths of a `use` tree, or of a path within code.
fn spell_out<'a>(text: &'a str, before: &[&'a str], named: &mut Vec<Vec<&'a str>>) {
    let mut path = before.to_vec();
    let mut rest = text.trim_start();
    loop {
        if let Some(list) = rest.strip_prefix('{') {
            for item in top_level(list) {
                spell_out(item, &path, named);
            }
            return;
        }
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        path.extend(Some(&rest[..end]).filter(|part| !part.is_empty()));
        match rest[end..].strip_prefix("::") {
            Some(more) => rest = more.trim_start(),
            None => break,
        }
    }
    named.extend(Some(path).filter(|path| !path.is_empty()));
}

/// The files that can be reached from one.
fn reached<'a>(from: &'a str, arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(file) = next.pop() {
        next.extend(arrows.get(file).into_iter().flatten().filter(|to| seen.insert(**to)));
    }
    seen
}

/// The arrows between files: for each one those that it names.
fn arrows_between(files: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeSet<&str>> {
    let modules: BTreeMap<Vec<&str>, &str> =
        files.keys().map(|file| (module_of(file), file.as_str())).filter(|(_, file)| *file != "lib.rs").collect();
    let mut arrows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, text) in files {
        let to = named_paths(file, &code(text)).into_iter().filter_map(|path| {
            let parts: Vec<&str> = path.iter().map(String::as_str).collect();
            (1..=parts.len()).rev().find_map(|length| modules.get(&parts[..length]).copied())
        });
        arrows.insert(file, to.filter(|to| to != file).collect());
    }
    arrows
}

/// The same between folders of this depth: a layer has one part, a wing of it two. A file that is not so deep stands for
/// itself; a folder's `mod.rs` only says what is in it.
fn between_folders<'a>(
    arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    depth: usize,
) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let folder = |file: &'a str| file.match_indices('/').nth(depth - 1).map_or(file, |(at, _)| &file[..at]);
    let mut between: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, to) in arrows.iter().filter(|(file, _)| file.matches('/').count() >= depth || !file.ends_with("mod.rs"))
    {
        let to = to.iter().map(|to| folder(to)).filter(|to| *to != folder(file));
        between.entry(folder(file)).or_default().extend(to);
    }
    between
}

/// The circles: what can be reached from itself.
fn circles(arrows: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let reach: BTreeMap<&str, BTreeSet<&str>> = arrows.keys().map(|from| (*from, reached(from, arrows))).collect();
    let circle = |from: &str| -> BTreeSet<&str> {
        reach[from].iter().copied().filter(|other| reach.get(other).is_some_and(|back| back.contains(from))).collect()
    };
    let found: BTreeSet<BTreeSet<&str>> =
        arrows.keys().map(|from| circle(from)).filter(|all| !all.is_empty()).collect();
    found.into_iter().map(|circle| circle.into_iter().collect::<Vec<_>>().join(", ")).collect()
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

/// Every source in a folder of the repository, by its path below that.
fn all(folder: &str) -> BTreeMap<String, String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    sources(&src, &mut files);
    let least = if folder == "src" { 60 } else { 10 };
    assert!(files.len() > least, "all of {folder} is read: {}", files.len());
    let read = |path: PathBuf| {
        let file = path.strip_prefix(&src).expect("below its folder").to_string_lossy().into_owned();
        (file, std::fs::read_to_string(&path).expect("a source"))
    };
    files.into_iter().map(read).collect()
}

#[test]
fn no_arrow_points_the_wrong_way() {
    let found: Vec<String> = all("src").iter().flat_map(|(file, text)| wrong(file, text)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Between files, between the wings of a layer, and between layers.
#[test]
fn nothing_goes_round_in_a_circle() {
    for (folder, least) in [("src", 500), ("crates/testing/src", 10), ("crates/checks/src", 10)] {
        let files = all(folder);
        let arrows = arrows_between(&files);
        assert!(arrows.values().map(BTreeSet::len).sum::<usize>() > least, "the arrows are found");
        for found in [circles(&arrows), circles(&between_folders(&arrows, 2)), circles(&between_folders(&arrows, 1))] {
            assert!(found.is_empty(), "{folder}: {}", found.join("\n"));
        }
    }
}

#[test]
fn a_circle_is_found() {
    let house = |files: &[(&str, &str)]| -> BTreeMap<String, String> {
        files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
    };
    for files in [
        &[("flow/a.rs", "use super::b;"), ("flow/b.rs", "use crate::flow::a::A;")][..],
        &[("flow/mod.rs", "pub use a::A;\nuse self::a::B;"), ("flow/a.rs", "fn f() { super::f() }")],
        &[
            ("flow/a.rs", "use crate::{oauth::error::Error, flow::{b::{self, B}, c}};"),
            ("flow/b.rs", ""),
            ("flow/c.rs", "fn f() { crate::http::d::f() }"),
            ("http/d.rs", "use crate::flow::a;"),
        ],
    ] {
        assert_eq!(circles(&arrows_between(&house(files))).len(), 1, "{files:?}");
    }
    for files in [
        &[("flow/a.rs", "use super::b;\n// use crate::flow::a;"), ("flow/b.rs", "use crate::oauth::A;")][..],
        &[("flow/mod.rs", "use self::a::B;"), ("flow/a.rs", "use super::b;"), ("flow/b.rs", "")],
        &[("flow/a.rs", "use super::b;"), ("flow/b.rs", "\n#[cfg(test)]\nmod tests {\n    use crate::flow::a;\n}")],
    ] {
        assert_eq!(circles(&arrows_between(&house(files))), Vec::<String>::new(), "{files:?}");
    }
    let wings = house(&[
        ("flow/journey/a.rs", "use crate::flow::client::b;"),
        ("flow/client/b.rs", ""),
        ("flow/client/c.rs", "use crate::flow::journey::d;"),
        ("flow/journey/d.rs", ""),
    ]);
    let arrows = arrows_between(&wings);
    assert_eq!(circles(&arrows), Vec::<String>::new(), "no file goes round");
    assert_eq!(circles(&between_folders(&arrows, 2)), ["flow/client, flow/journey"]);
    assert_eq!(circles(&between_folders(&arrows, 1)), Vec::<String>::new(), "within one layer");
}

#[test]
fn the_other_packages_use_nothing_of_jean() {
    for (package, forbidden) in CRATES {
        for (file, text) in all(&format!("crates/{package}/src")) {
            assert_eq!(wrong_in_crate(&format!("{package}/{file}"), &text, forbidden), Vec::<String>::new());
        }
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates").join(package).join("Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).expect("a manifest");
        assert_eq!(wrong_in_manifest(&manifest, forbidden), Vec::<String>::new(), "{package}");
    }
    let found = |text| wrong_in_crate("lib.rs", text, &["jean"]).len();
    assert_eq!(found("use jean::Config;\nuse ::jean::{Jean};\nfn f() -> jean::Error {}"), 3);
    assert_eq!(found("//! Of jean.\nuse jean_testing::random; // jean\nlet name = \"jean\";"), 0);
    for manifest in [
        "[dependencies]\njean = { path = \"../..\" }",
        "[dev-dependencies]\njean.workspace = true",
        "[build-dependencies]\nother = { package = \"jean\", path = \"../..\" }",
    ] {
        assert_eq!(wrong_in_manifest(manifest, &["jean"]), ["jean"], "{manifest}");
    }
    assert!(
        wrong_in_manifest("[package]\nname = \"jean\"\n[dependencies]\njean-testing = \"1\"", &["jean"]).is_empty()
    );
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
        ("http/grant/token.rs", "use crate::{\n    flow::app::{App, Memory},\n    store,\n};"),
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
        ("keys/mod.rs", "use crate::flow::app::App;"),
        ("cli/serve.rs", "use crate::server::Jean;"),
        ("flow/grant/code.rs", "    anyhow::bail!()"),
        ("server/mod.rs", "use jean_testing::issuer::Issuer;"),
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
