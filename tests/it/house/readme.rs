//! The README: its reference of `jean.toml`, its snippet and its commands are those that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../../../README.md");
const REFERENCE: &str = include_str!("../../../jean.toml");
const CRATE: &str = include_str!("../../../src/lib.rs");

/// The key of `jean.toml` as the README calls it: tables of the operator's own naming are called NAME.
fn documented_name(table: &str, key: &str) -> String {
    let table = table.trim_matches(['[', ']']);
    match table.split_once('.') {
        Some((group @ ("upstream" | "mcp"), _)) => format!("{group}.NAME.{key}"),
        _ if table.is_empty() => key.to_owned(),
        _ => format!("{table}.{key}"),
    }
}

/// Every key of `jean.toml`, commented out or not, with the values that stand there.
fn keys() -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut table = "";
    let mut keys = BTreeMap::<_, BTreeSet<_>>::new();
    for line in REFERENCE.lines() {
        let text = line.strip_prefix("# ").unwrap_or(line);
        if text.starts_with('[') && text.ends_with(']') {
            table = text;
        } else if let Some((key, value)) = text.split_once(" = ")
            && key.bytes().all(|b| b == b'_' || b.is_ascii_lowercase())
        {
            keys.entry(documented_name(table, key)).or_default().insert(value);
        }
    }
    keys
}

/// The rows of the reference: the key and its default.
fn rows() -> BTreeMap<String, &'static str> {
    let section = README.split("\n## ").find(|section| section.starts_with("jean.toml\n")).expect("the reference");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{row}");
        (cells[0].trim_matches('`').to_owned(), cells[2])
    })
    .collect()
}

/// The blocks of a language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let opening = format!("```{language}\n");
    README.split("\n```").collect::<Vec<_>>().into_iter().filter_map(move |part| {
        let part = part.strip_prefix(&opening[3..])?;
        Some(part)
    })
}

#[test]
fn the_reference_names_every_key_and_no_other() {
    let known: BTreeSet<_> = keys().into_keys().collect();
    let told: BTreeSet<_> = rows().into_keys().collect();
    assert_eq!(known.difference(&told).collect::<Vec<_>>(), Vec::<&String>::new(), "not in the README");
    assert_eq!(told.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "not in jean.toml");
    assert!(known.len() > 40, "{known:?}");
}

#[test]
fn the_defaults_are_those_of_the_file() {
    let keys = keys();
    let mut compared = 0;
    for (key, default) in rows() {
        // What is not a value is told in words.
        if let Some(value) = default.strip_prefix('`').and_then(|value| value.strip_suffix('`')) {
            assert!(keys[&key].contains(value), "{key}: {value} in the README, {:?} in jean.toml", keys[&key]);
            compared += 1;
        }
    }
    assert_eq!(compared, 24);
}

#[test]
fn the_configurations_can_be_read() {
    let mut read = 0;
    for block in blocks("toml") {
        if let Err(problems) = jean::Config::from_toml(block) {
            panic!("{block}\n{problems}");
        }
        read += 1;
    }
    assert_eq!(read, 8);
}

#[test]
fn the_snippet_is_the_one_that_is_compiled() {
    let documented = CRATE.lines().filter_map(|line| line.strip_prefix("//!"));
    let documented: Vec<_> = documented.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let compiled = documented.join("\n");
    let compiled = compiled.split("```").find_map(|part| part.strip_prefix("no_run\n")).expect("the doctest");
    let shown = blocks("rust").next().expect("the snippet");
    assert_eq!(shown.trim(), compiled.trim());
}

#[test]
fn each_client_has_a_section_with_what_to_enter_what_happens_and_what_to_do_when_it_does_not() {
    let section = README.split("\n## ").find(|section| section.starts_with("Connect a client\n")).expect("the clients");
    let clients: BTreeMap<_, _> = section.split("\n### ").filter_map(|client| client.split_once('\n')).collect();
    for client in [
        "Claude on the web, on the desktop, on the phone",
        "Claude Code",
        "ChatGPT",
        "VS Code",
        "Cursor",
        "MCP Inspector",
        "mcp-remote",
    ] {
        let text = clients.get(client).unwrap_or_else(|| panic!("no section about {client}: {:?}", clients.keys()));
        let mut rest = *text;
        for part in ["\n- **Enter**", "\n- **What happens**", "\n- **When it does not work**"] {
            let (_, after) =
                rest.split_once(part).unwrap_or_else(|| panic!("{client} lacks {part:?}, or in another order"));
            assert!(after.trim_start_matches([':', ' ', '\n']).len() > 40, "{client}: {part:?} is empty");
            rest = after;
        }
    }
}

/// While a provider is away, `/status` is 503 everywhere at once.
#[test]
fn the_health_check_is_readyz_and_never_the_status() {
    for (file, text) in [("README.md", README), ("jean.toml", REFERENCE)] {
        let sentences: Vec<String> =
            text.replace("\n# ", " ").replace('\n', " ").split(". ").map(str::to_owned).collect();
        let about: Vec<&String> =
            sentences.iter().filter(|sentence| sentence.to_lowercase().contains("health check")).collect();
        assert!(!about.is_empty(), "{file} names no health check");
        for sentence in about {
            let names_it = sentence.contains("/readyz");
            assert!(names_it || sentence.contains("never a health check"), "{file}: {sentence}");
            assert!(!sentence.contains("/status") || sentence.contains("never"), "{file}: {sentence}");
        }
    }
}

#[test]
fn the_commands_are_there() {
    let commands: Vec<_> = blocks("sh").flat_map(str::lines).collect();
    for expected in ["cargo run", "tests/run", "target/release/jean check"] {
        assert!(commands.contains(&expected), "{expected} in {commands:?}");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for script in commands.iter().filter(|command| command.starts_with("tests/")) {
        assert!(root.join(script).is_file(), "{script}");
    }
    for picture in README.split(['"', ' ']).filter(|word| word.starts_with(".assets/")) {
        assert!(root.join(picture).is_file(), "{picture}");
    }
    let help = Command::new(env!("CARGO_BIN_EXE_jean")).arg("--help").output().expect("the program runs");
    let help = String::from_utf8(help.stdout).expect("text");
    for subcommand in ["check", "config", "conformance"] {
        assert!(README.contains(&format!("`jean {subcommand}`")), "{subcommand} in the README");
        assert!(help.lines().any(|line| line.trim_start().starts_with(subcommand)), "{subcommand} in {help}");
    }
}
