//! `[clients]`: which clients may come with a metadata document of their own, and the documents that are known already.

use std::collections::BTreeMap;

use super::pass::{Location, Pass};
use crate::clock::UnixTime;
use crate::config::settings::{DocumentSettings, Issuer};
use crate::config::tables::{PinnedTable, Tables};
use crate::oauth::client::Client;
use crate::oauth::client_document::{self, WELL_KNOWN};
use crate::oauth::client_id::{ClientId, MAX_CLIENT_ID};
use crate::oauth::document_url::{DocumentUrl, HostPattern};

impl Pass<'_> {
    pub(super) fn documents(&mut self, tables: &Tables, location: Location<'_>) -> DocumentSettings {
        let table = &tables.clients;
        let mut hosts = Vec::new();
        for (i, host) in table.document_hosts.0.iter().enumerate() {
            let pattern = HostPattern::parse(host).ok_or_else(|| {
                format!("{host:?} must be a host such as claude.ai, or *.example.com for all below example.com")
            });
            hosts.extend(self.ok_or_report(&format!("clients.document_hosts.{i}"), pattern));
        }
        let Location { issuer, listen } = location;
        let local = issuer.is_some_and(Issuer::is_loopback) && listen.is_some_and(|listen| listen.ip().is_loopback());
        let mut settings = DocumentSettings { on: table.documents, hosts, local, pinned: BTreeMap::new() };
        for (url, document) in WELL_KNOWN {
            let shipped = ClientId::parse(url).map(|id| client_document::parse(&id, document.as_bytes(), UnixTime(0)));
            settings.pinned.extend(shipped.and_then(Result::ok).map(|client| (client.id.clone(), client)));
        }
        for (i, pinned) in table.pinned.iter().enumerate() {
            let client = self.pinned(&format!("clients.pinned.{i}"), pinned, &settings);
            settings.pinned.extend(client.map(|client| (client.id.clone(), client)));
        }
        settings
    }

    fn pinned(&mut self, base: &str, table: &PinnedTable, settings: &DocumentSettings) -> Option<Client> {
        let id = match table.url.as_deref() {
            None => Err("is missing; write the address of the document, which is the client's id".to_owned()),
            Some(url) => DocumentUrl::parse(url, settings.local).map_err(|why| why.to_owned()).and_then(|parsed| {
                if settings.allows(parsed.authority()) {
                    ClientId::parse(url)
                        .ok_or_else(|| format!("must be at most {MAX_CLIENT_ID} printable ASCII characters"))
                } else {
                    Err(format!("is at a host that is not among document_hosts; add {:?} there", parsed.authority()))
                }
            }),
        };
        let id = self.ok_or_report(&format!("{base}.url"), id);
        let document = match table.file.as_deref() {
            None => Err("is missing; write the path of a file with a copy of the document".to_owned()),
            Some(path) => std::fs::read(path).map_err(|error| format!("the file cannot be read: {error}")),
        };
        let document = self.ok_or_report(&format!("{base}.file"), document);
        let (id, document) = (id?, document?);
        let client = client_document::parse(&id, &document, UnixTime(0));
        self.ok_or_report(
            &format!("{base}.file"),
            client.map_err(|error| format!("is not the document: {}", error.description)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{problems, settings};
    use super::*;

    #[test]
    fn the_well_known_documents_are_pinned_and_the_operator_s_replace_them() {
        let id = ClientId::parse(WELL_KNOWN[0].0).unwrap();
        let shipped = settings("").unwrap().clients.documents;
        assert!(shipped.on && shipped.local);
        assert_eq!(shipped.pinned.len(), WELL_KNOWN.len());
        assert_eq!(shipped.pinned[&id].name(), "Claude");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("claude.json");
        std::fs::write(&file, WELL_KNOWN[0].1.replace("\"Claude\"", "\"Claudia\"")).unwrap();
        let text = format!("[[clients.pinned]]\nurl = {:?}\nfile = {file:?}", id.as_str());
        assert_eq!(settings(&text).unwrap().clients.documents.pinned[&id].name(), "Claudia");
    }

    #[test]
    fn what_a_pin_lacks_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.json");
        std::fs::write(&file, "{}").unwrap();
        let pin = |url: &str| format!("[[clients.pinned]]\nurl = {url:?}\nfile = {file:?}");
        assert!(problems("[[clients.pinned]]").contains("clients.pinned.0.url: is missing"));
        assert!(problems("[[clients.pinned]]").contains("clients.pinned.0.file: is missing"));
        assert!(problems(&pin("http://a.example/x")).contains("does not begin with https://"));
        assert!(problems(&pin("https://a.example/x")).contains("is not the document: client_id"));
        let told_of = problems("[[clients.pinned]]\nurl = \"https://a.example/x\"\nfile = \"/nowhere/x.json\"");
        assert!(told_of.contains("cannot be read"), "{told_of}");
        let limited = format!("clients.document_hosts = [\"claude.ai\"]\n{}", pin("https://a.example/x"));
        assert!(problems(&limited).contains("add \"a.example\" there"), "{}", problems(&limited));
        let bad = problems("clients.document_hosts = [\"claude.ai\", \"https://chatgpt.com\"]");
        assert!(bad.contains("clients.document_hosts.1") && bad.contains("must be a host"), "{bad}");
    }

    #[test]
    fn a_document_on_this_computer_needs_a_server_on_this_computer() {
        assert!(settings("").unwrap().clients.documents.local);
        let open = "upstream.acme = { kind = \"oidc\", issuer = \"https://id.example\", client_id = \"x\" }";
        for elsewhere in ["public_url = \"https://a.example\"", "listen = \"0.0.0.0:8080\""] {
            let config = crate::config::Config::from_toml(&format!("{elsewhere}\n{open}")).unwrap();
            assert!(!config.settings().unwrap().clients.documents.local, "{elsewhere}");
        }
    }
}
