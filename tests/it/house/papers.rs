//! The documents other than README: what they name is there, and each decision is in the index.

use std::path::{Path, PathBuf};

/// What the paths begin with that documents name by their place in the repository.
const TREES: &[&str] = &["src/", "crates/", "tests/", "templates/", "docs/", ".ci/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The pages of the decisions, without their index.
fn decisions() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(root().join("docs/decisions")).expect("the decisions");
    let pages = folder.map(|entry| entry.expect("an entry").path());
    let mut pages: Vec<_> = pages.filter(|path| !path.ends_with("README.md")).collect();
    pages.sort();
    pages
}

/// What a document links to and what it names, as paths that should be there.
fn named(document: &Path, text: &str) -> Vec<PathBuf> {
    let folder = document.parent().expect("a document is in a folder");
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = targets.map(|(target, _)| target.split('#').next().unwrap_or_default());
    let linked =
        targets.filter(|target| !target.is_empty() && !target.contains("://")).map(|target| folder.join(target));
    let code = text.split('`').skip(1).step_by(2);
    let paths = code.filter(|code| TREES.iter().any(|tree| code.starts_with(tree)) && !code.contains(' '));
    linked.chain(paths.map(|path| root().join(path))).collect()
}

#[test]
fn what_the_documents_name_is_there() {
    let documents = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/decisions/README.md"];
    let mut found = 0;
    for document in documents.iter().map(|name| root().join(name)).chain(decisions()) {
        for path in named(&document, &read(&document)) {
            assert!(path.exists(), "{} names {}, which is not there", document.display(), path.display());
            found += 1;
        }
    }
    assert!(found > 60, "{found}");
}

#[test]
fn a_path_that_is_gone_is_noticed() {
    let text = "See [one](a.md#b) and [two](https://example.com/x), `src/c.rs`, `tests/run` and `cargo run`.";
    let expected = [root().join("docs/a.md"), root().join("src/c.rs"), root().join("tests/run")];
    assert_eq!(named(&root().join("docs/x.md"), text), expected);
}

#[test]
fn the_index_has_each_decision_by_its_title() {
    let index = read(&root().join("docs/decisions/README.md"));
    let pages = decisions();
    for page in &pages {
        let name = page.file_name().and_then(|name| name.to_str()).expect("a name");
        let text = read(page);
        let title = text.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a title");
        assert!(index.contains(&format!("[{title}]({name})")), "{name}: {title:?} is not in the index");
        for part in ["**What.**", "**Why.**", "**Other ways.**", "**Costs.**", "In the code:"] {
            assert!(text.contains(part), "{name} lacks {part:?}");
        }
        assert!(text.lines().count() <= 24, "{name} is too long for a page of ten lines");
    }
    assert_eq!(index.matches("](").count(), pages.len());
}
