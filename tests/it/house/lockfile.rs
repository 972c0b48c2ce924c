//! What jean is built from: `Cargo.lock` and the tree that it locks, held against the lists in `deny.toml`.

use std::{path::Path, process::Command};

use serde_json::Value;
use toml::Table;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// In Cargo.lock only because cargo lists what a feature names that nobody turned on (`ring` of rustls-webpki and of
/// quinn-proto); `no_banned_crate_is_built` shows that it stays there.
const LOCKED_BUT_NOT_BUILT: &[&str] = &["ring"];

#[test]
fn every_package_comes_from_crates_io_with_a_checksum() {
    let strays = strays(&read("Cargo.lock"));
    assert!(strays.is_empty(), "not from crates.io, or without a checksum: {strays:?}");
}

#[test]
fn no_banned_crate_is_locked() {
    let (banned, locked) = (banned(), locked(&read("Cargo.lock")));
    let found: Vec<_> =
        locked.iter().filter(|name| banned.contains(*name) && !LOCKED_BUT_NOT_BUILT.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "in Cargo.lock, against deny.toml: {found:?}");
}

#[test]
fn no_banned_crate_is_built() {
    let tree = cargo(&["tree", "--locked", "--offline", "--all-features", "--prefix=none", "--format={p}"]);
    let built: Vec<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(built.contains(&"aws-lc-rs"), "the tree should have the one provider that is wanted: {tree}");
    let found: Vec<_> = banned().into_iter().filter(|name| built.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "built, against deny.toml; `cargo tree --invert` tells why: {found:?}");
}

#[test]
fn every_package_has_a_permissive_licence() {
    let host = cargo(&["-vV"]);
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo -vV names the host");
    // Only this platform's packages are sure to be downloaded.
    let metadata = cargo(&[
        "metadata",
        "--locked",
        "--offline",
        "--format-version=1",
        "--all-features",
        "--filter-platform",
        host,
    ]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages is a list");
    assert!(packages.len() > 100, "the whole tree, not {} packages", packages.len());

    let allow = allowed_licences();
    let refused: Vec<_> = packages
        .iter()
        .map(|package| (&package["name"], package["license"].as_str().unwrap_or_default()))
        .filter(|(_, licence)| !permits(licence, &allow))
        .collect();
    assert!(refused.is_empty(), "no alternative in the list of deny.toml: {refused:?}");
}

#[test]
fn a_package_from_elsewhere_is_noticed() {
    let lock = format!(
        r#"
        [[package]]
        name = "jean"
        [[package]]
        name = "fine"
        source = "{CRATES_IO}"
        checksum = "00"
        [[package]]
        name = "unchecked"
        source = "{CRATES_IO}"
        [[package]]
        name = "forked"
        source = "git+https://example.com/forked"
        [[package]]
        name = "beside"
        "#
    );
    assert_eq!(strays(&lock), ["unchecked", "forked", "beside"]);
}

#[test]
fn a_licence_expression_is_judged_by_its_best_alternative() {
    let allow: Vec<_> = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(String::from).into();
    for licence in [
        "MIT",
        "GPL-3.0/MIT",
        "MIT AND (GPL-3.0-only OR ISC)",
        "GPL-3.0-only AND GPL-2.0-only OR ISC",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(permits(licence, &allow), "{licence} has a permitted alternative");
    }
    for licence in [
        "",
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "(MIT OR ISC) AND MPL-2.0",
        "Apache-2.0",
        "MIT WITH LLVM-exception",
        "(MIT",
    ] {
        assert!(!permits(licence, &allow), "{licence:?} has no permitted alternative");
    }
}

/// The packages that are neither jean itself nor from crates.io with a checksum.
fn strays(lock: &str) -> Vec<String> {
    let from_crates_io = |package: &Table| {
        package.get("source").and_then(|s| s.as_str()) == Some(CRATES_IO) && package.contains_key("checksum")
    };
    packages(lock).iter().filter(|package| !from_crates_io(package)).map(name).filter(|name| name != "jean").collect()
}

fn locked(lock: &str) -> Vec<String> {
    packages(lock).iter().map(name).collect()
}

fn packages(lock: &str) -> Vec<Table> {
    let lock: Table = lock.parse().expect("Cargo.lock is TOML");
    let packages = lock["package"].as_array().expect("Cargo.lock lists packages");
    packages.iter().map(|package| package.as_table().expect("a package is a table").clone()).collect()
}

fn name(package: &Table) -> String {
    package["name"].as_str().expect("a package has a name").to_owned()
}

fn allowed_licences() -> Vec<String> {
    let allow = &deny()["licenses"]["allow"];
    allow
        .as_array()
        .expect("allow is a list")
        .iter()
        .map(|l| l.as_str().expect("a licence is text").to_owned())
        .collect()
}

fn banned() -> Vec<String> {
    let banned = &deny()["bans"]["deny"];
    let crates = banned.as_array().expect("deny is a list").iter();
    crates.map(|entry| entry["crate"].as_str().expect("each entry names its crate").to_owned()).collect()
}

fn deny() -> Table {
    read("deny.toml").parse().expect("deny.toml is TOML")
}

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect(file)
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

/// Whether an SPDX expression can be met with the licences in `allow`; cargo's older `/` means OR.
fn permits(licence: &str, allow: &[String]) -> bool {
    let spaced = licence.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any(&mut words, allow);
    met && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words, allow: &[String]) -> bool {
    let mut met = all(words, allow);
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words, allow);
    }
    met
}

fn all(words: &mut Words, allow: &[String]) -> bool {
    let mut met = one(words, allow);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allow);
    }
    met
}

fn one(words: &mut Words, allow: &[String]) -> bool {
    let Some(word) = words.next() else { return false };
    if word == "(" {
        let met = any(words, allow);
        return words.next() == Some(")") && met;
    }
    let exception = words.next_if_eq(&"WITH").and_then(|_| words.next());
    let licence = exception.map_or(word.to_owned(), |exception| format!("{word} WITH {exception}"));
    allow.contains(&licence)
}
