//! `[mcp.*]`: the protected endpoints, their paths and scopes.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::pass::Pass;
use crate::config::settings::{Issuer, Mount, ToolNeeds};
use crate::config::tables::{List, MountTable, Tables};
use crate::oauth::resource::{MAX_RESOURCE, Resource};
use crate::oauth::scope::{self, Scope, Scopes};

/// Paths that are jean's own, with all below them.
const OWN_PATHS: [&str; 5] = ["/oauth", "/.well-known", "/status", "/healthz", "/readyz"];

/// What a table says of its mount.
pub(super) struct ReadMount {
    /// `None` if `public_url` is wrong: then the mount has no resource.
    pub(super) mount: Option<Mount>,
    /// The scopes that the mount knows, whatever else is wrong.
    pub(super) scopes: Scopes,
}

/// Where a mount lies.
struct Place {
    path: String,
    /// `None` if `public_url` is wrong.
    resource: Option<Resource>,
}

impl Pass<'_> {
    pub(super) fn mounts(&mut self, tables: &Tables, issuer: Option<&Issuer>) -> Vec<ReadMount> {
        let implied = BTreeMap::from([("default".to_owned(), MountTable::default())]);
        let tables = if tables.mcp.is_empty() { &implied } else { &tables.mcp };
        let mut ordered = self.in_order("mcp", tables);
        if ordered.len() > 1 && !tables.contains_key("default") {
            self.report("mcp", "has several tables, but none is named default; give this name to the one for clients that do not say which endpoint they want");
        }
        ordered.sort_by_key(|(name, _)| name.as_str() != "default");
        let mut paths = BTreeSet::new();
        let mut mounts = Vec::new();
        for (name, table) in ordered {
            let path = table.path.clone().unwrap_or_else(|| match tables.len() {
                1 => "/mcp".to_owned(),
                _ if name == "default" => "/mcp".to_owned(),
                _ => format!("/{name}"),
            });
            let key = format!("mcp.{name}.path");
            match check_path(&path) {
                Err(message) => self.report(&key, message),
                Ok(()) if !paths.insert(path.clone()) => {
                    self.report(&key, format!("{path} is another mount's path too"))
                }
                Ok(()) => {}
            }
            let resource = issuer.and_then(|issuer| Resource::parse(&issuer.at(&path)).ok());
            mounts.push(self.mount(name, table, Place { path, resource }));
        }
        mounts
    }

    fn mount(&mut self, name: &str, table: &MountTable, place: Place) -> ReadMount {
        let Place { path, resource } = place;
        let key = |key: &str| format!("mcp.{name}.{key}");
        let scopes = table.scopes.clone().unwrap_or_else(|| {
            BTreeMap::from([("mcp".to_owned(), "Use the tools of this server on your behalf".to_owned())])
        });
        if scopes.is_empty() {
            self.report(&key("scopes"), "must name at least one scope, such as { read = \"Read your data\" }");
        }
        for (scope, words) in &scopes {
            if Scope::parse(scope).is_none() {
                self.report(
                    &key("scopes"),
                    format!("holds {scope:?}, which is not a valid scope (RFC 6749 section 3.3)"),
                );
            }
            if scope::OWN.contains(&scope.as_str()) {
                self.report(&key("scopes"), format!("holds {scope:?}, which jean uses itself; choose another word"));
            }
            if words.trim().is_empty() {
                self.report(&key(&format!("scopes.{scope}")), "must say in words what the scope lets a client do");
            }
        }
        let known: Scopes = scopes.keys().filter_map(|scope| Scope::parse(scope)).collect();
        let default_scopes = match &table.default_scopes {
            None => known.clone(),
            Some(listed) => self.known_scopes(&key("default_scopes"), listed, &known),
        };
        let required_scopes = self.known_scopes(&key("required_scopes"), &table.required_scopes, &known);
        let tools = self.tools(&key("tools"), table.tools.iter().flatten(), &known);
        for (i, origin) in table.allowed_origins.0.iter().enumerate() {
            let exact = Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
            if !exact {
                let message = format!("{origin:?} must be an origin such as https://app.example.com, without a path");
                self.report(&key(&format!("allowed_origins.{i}")), message);
            }
        }
        if resource.as_ref().is_some_and(|resource| resource.as_str().len() > MAX_RESOURCE) {
            self.report(&key("path"), format!("makes an MCP URL of more than {MAX_RESOURCE} bytes; shorten it"));
        }
        let mount = resource.map(|resource| Mount {
            name: name.to_owned(),
            path,
            resource,
            scopes,
            default_scopes,
            required_scopes,
            tools,
            allowed_origins: table.allowed_origins.0.clone(),
        });
        ReadMount { mount, scopes: known }
    }

    /// What the calls of some tools need.
    fn tools<'t>(
        &mut self,
        key: &str,
        tools: impl Iterator<Item = (&'t String, &'t List)>,
        known: &Scopes,
    ) -> Vec<ToolNeeds> {
        let mut needs = Vec::new();
        for (name, scopes) in tools {
            let key = format!("{key}.{name}");
            let start = name.strip_suffix('*').unwrap_or(name);
            if name.is_empty() || start.contains('*') {
                self.report(&key, "must be the name of a tool, or the start of a name with one * at the end");
            }
            if scopes.0.is_empty() {
                self.report(&key, "must list the scopes that a call needs; remove the line if a tool needs no more than required_scopes");
            }
            needs.push(ToolNeeds { name: name.clone(), scopes: self.known_scopes(&key, scopes, known) });
        }
        needs
    }

    /// A list of scopes that must all be among `known`.
    pub(super) fn known_scopes(&mut self, key: &str, List(listed): &List, known: &Scopes) -> Scopes {
        for (i, scope) in listed.iter().enumerate().filter(|(_, scope)| !known.contains(scope)) {
            let names = known.to_vec().join(", ");
            self.report(&format!("{key}.{i}"), format!("{scope:?} is not one of the scopes: {names}"));
        }
        listed.iter().filter_map(|scope| Scope::parse(scope)).collect()
    }
}

/// Whether a mount may lie at `path`: plain segments, and none of jean's own.
fn check_path(path: &str) -> Result<(), String> {
    let plain = |segment: &str| {
        !["", ".", ".."].contains(&segment)
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    };
    match path.strip_prefix('/') {
        None => Err("must begin with a slash, as in /mcp".into()),
        Some("") => Err("must be a path below the public URL, as in /mcp".into()),
        Some(rest) if !rest.split('/').all(plain) => {
            Err("must have plain segments (letters, digits, - . _ ~), and no slash at its end".into())
        }
        Some(_) => match OWN_PATHS.iter().find(|own| lies_under(path, own)) {
            Some(own) => Err(format!("must not be {own} or lie under it, because jean itself answers there")),
            None => Ok(()),
        },
    }
}

fn lies_under(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{problems, settings};
    use super::*;

    #[test]
    fn a_mount_has_defaults_for_everything() {
        for text in ["", "[mcp.default]", "[mcp.only]"] {
            let mount = &settings(text).unwrap().mounts[0];
            assert_eq!(mount.path, "/mcp");
            assert_eq!(mount.resource.as_str(), "http://localhost:8080/mcp");
            assert_eq!(mount.default_scopes.to_string(), "mcp");
            assert!(mount.required_scopes.is_empty());
        }
    }

    #[test]
    fn the_default_mount_comes_first_and_the_others_keep_their_order() {
        let text = "public_url = \"http://localhost:8080/x\"\n[mcp.notes]\n[mcp.files]\n[mcp.default]";
        let mounts = settings(text).unwrap().mounts;
        let resources: Vec<_> = mounts.iter().map(|mount| mount.resource.as_str()).collect();
        assert_eq!(
            resources,
            ["http://localhost:8080/x/mcp", "http://localhost:8080/x/notes", "http://localhost:8080/x/files"]
        );
        assert!(problems("mcp.a = {}\nmcp.b = {}").contains("none is named default"));
        assert!(problems("mcp.default = {}\nmcp.b.path = \"/mcp\"").contains("another mount's path"));
    }

    #[test]
    fn a_path_is_plain_and_none_of_our_own() {
        for good in ["/mcp", "/a/b", "/oauthx", "/.well", "/v1.0/mcp_2~x-y"] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "mcp",
            "/",
            "/mcp/",
            "//mcp",
            "/a/../b",
            "/a b",
            "/{x}",
            "/*",
            "/a?b",
            "/a%20b",
            "/oauth",
            "/oauth/x",
            "/.well-known/x",
            "/status",
            "/healthz",
            "/readyz",
            "/readyz/x",
        ] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_mcp_url_has_at_most_512_bytes() {
        let of =
            |length: usize| format!("mcp.default.path = \"/{}\"", "x".repeat(length - "http://localhost:8080/".len()));
        assert_eq!(settings(&of(512)).unwrap().mounts[0].resource.as_str().len(), 512);
        let told = problems(&of(513));
        assert!(told.contains("mcp.default.path") && told.contains("an MCP URL of more than 512 bytes"), "{told}");
    }

    #[test]
    fn scopes_are_among_those_that_there_are() {
        let table = "[mcp.default]\nscopes = { read = \"Read\", write = \"Write\" }";
        let read = |rest: &str| settings(&format!("{table}\n{rest}"));
        assert_eq!(read("").unwrap().mounts[0].default_scopes.to_string(), "read write");
        let mount = &read("default_scopes = [\"read\"]\nrequired_scopes = [\"write\"]").unwrap().mounts[0];
        assert_eq!(
            (mount.default_scopes.to_string(), mount.required_scopes.to_string()),
            ("read".into(), "write".into())
        );
        for bad in [
            "default_scopes = [\"admin\"]",
            "required_scopes = [\"admin\"]",
            "allowed_origins = [\"https://a.example/\"]",
        ] {
            assert!(read(bad).unwrap_err().contains("mcp.default."), "{bad}");
        }
        assert!(read("allowed_origins = [\"https://a.example\", \"http://localhost:3000\"]").is_ok());
    }

    #[test]
    fn what_tools_need_is_among_the_scopes_and_a_star_ends_a_name() {
        let table = "[mcp.default]\nscopes = { read = \"Read\", write = \"Write\", admin = \"All\" }";
        let read = |tools: &str| settings(&format!("{table}\ntools = {{ {tools} }}"));
        let mount =
            &read("\"note.write\" = [\"write\"], \"note.*\" = [\"admin\"], whoami = [\"read\"]").unwrap().mounts[0];
        for (tool, needs) in [
            ("note.write", "admin write"),
            ("note.", "admin"),
            ("note.writes", "admin"),
            ("note", ""),
            ("Note.write", ""),
            ("whoami", "read"),
            ("whoami2", ""),
            ("", ""),
        ] {
            assert_eq!(mount.needs(tool).to_string(), needs, "{tool}");
        }
        assert_eq!(read("\"*\" = [\"write\"]").unwrap().mounts[0].needs("any").to_string(), "write");
        assert!(settings(table).unwrap().mounts[0].tools.is_empty());
        for bad in ["x = [\"none\"]", "x = []", "\"\" = [\"read\"]", "\"*x\" = [\"read\"]", "\"x**\" = [\"read\"]"] {
            assert!(read(bad).unwrap_err().contains("mcp.default.tools."), "{bad}");
        }
    }

    #[test]
    fn a_scope_has_a_name_and_words() {
        for bad in ["{}", "{ \"a b\" = \"x\" }", "{ read = \" \" }", "{ email = \"Read your mail\" }"] {
            assert!(problems(&format!("mcp.default.scopes = {bad}")).contains("scopes"), "{bad}");
        }
    }
}
