//! `[[resource_servers]]`: servers of the operator's own that ask about access tokens.

use std::collections::BTreeSet;

use secrecy::ExposeSecret;

use super::clients::MIN_SECRET;
use super::mounts::ReadMount;
use super::pass::Pass;
use crate::config::secret;
use crate::config::settings::{Mount, ResourceServer};
use crate::config::tables::{ResourceServerTable, Tables};
use crate::oauth::resource::Resource;
use crate::oauth::token::ClientSecret;

impl Pass<'_> {
    pub(super) fn resource_servers(&mut self, tables: &Tables, mounts: &[ReadMount]) -> Vec<ResourceServer> {
        let mut ids: BTreeSet<_> =
            tables.clients.preregistered.iter().filter_map(|client| client.id.as_ref()).collect();
        let mut servers = Vec::new();
        for (i, table) in tables.resource_servers.iter().enumerate() {
            let base = format!("resource_servers.{i}");
            if let Some(id) = &table.id
                && !ids.insert(id)
            {
                self.report(&format!("{base}.id"), "is also the id of another server or of a client");
            }
            servers.extend(self.resource_server(&base, table, mounts));
        }
        servers
    }

    fn resource_server(
        &mut self,
        base: &str,
        table: &ResourceServerTable,
        mounts: &[ReadMount],
    ) -> Option<ResourceServer> {
        let key = |key: &str| format!("{base}.{key}");
        let id = self.client_id(&key("id"), table.id.as_deref(), "my-server");
        let secret_key = if table.secret_file.is_some() { key("secret_file") } else { key("secret") };
        let secret = match secret::load(table.secret.as_ref(), table.secret_file.as_deref()) {
            Ok(None) => Err("is missing; write secret or secret_file, by which the server authenticates".to_owned()),
            Ok(Some(secret)) if secret.expose_secret().chars().count() < MIN_SECRET => {
                Err(format!("must have at least {MIN_SECRET} characters"))
            }
            read => read,
        };
        let secret = self.ok_or_report(&secret_key, secret);
        let resources = self.resources(&key("mounts"), table, mounts);
        let secret = ClientSecret::presented(secret??.expose_secret()).hash();
        Some(ResourceServer { id: id?, secret, resources })
    }

    /// The resources of the mounts that are listed, or of all.
    fn resources(&mut self, key: &str, table: &ResourceServerTable, mounts: &[ReadMount]) -> Vec<Resource> {
        let all: Vec<&Mount> = mounts.iter().filter_map(|read| read.mount.as_ref()).collect();
        let Some(listed) = &table.mounts else {
            return all.into_iter().map(|mount| mount.resource.clone()).collect();
        };
        let mut resources = Vec::new();
        for (i, name) in listed.0.iter().enumerate() {
            match all.iter().find(|mount| mount.name == *name) {
                Some(mount) => resources.push(mount.resource.clone()),
                // Without a public URL no mount has a resource: that is the problem then.
                None if all.is_empty() => {}
                None => self.report(&format!("{key}.{i}"), format!("{name:?} is not a table below [mcp]")),
            }
        }
        if listed.0.is_empty() {
            self.report(key, "must name at least one table below [mcp]; to allow all, remove the key");
        }
        resources
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn servers(text: &str) -> Result<Vec<ResourceServer>, String> {
        let text = format!(
            "upstream.dev = {{}}\nmcp.default = {{}}\nmcp.files = {{}}\n\
             clients.preregistered = [{{ id = \"app\", redirect_uris = [\"https://a.example/cb\"] }}]\n\
             [[resource_servers]]\n{text}"
        );
        let config = Config::from_toml(&text).map_err(|problems| problems.to_string())?;
        config.settings().map(|settings| settings.resource_servers).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_server_asks_about_the_mounts_that_are_listed_or_about_all() {
        let good = "id = \"files\"\nsecret = \"0123456789abcdef\"";
        let one = &servers(&format!("{good}\nmounts = [\"files\"]")).unwrap()[0];
        assert_eq!(one.id.as_str(), "files");
        assert!(one.secret.matches(&ClientSecret::presented("0123456789abcdef").hash()));
        assert_eq!(one.resources.iter().map(Resource::as_str).collect::<Vec<_>>(), ["http://localhost:8080/files"]);
        assert_eq!(servers(good).unwrap()[0].resources.len(), 2);
    }

    #[test]
    fn what_a_server_lacks_is_told() {
        let told = servers("").unwrap_err();
        assert!(told.contains("resource_servers.0.id: is missing"), "{told}");
        assert!(told.contains("resource_servers.0.secret: is missing"), "{told}");
        let good = "id = \"files\"\nsecret = \"0123456789abcdef\"";
        for (bad, expected) in [
            ("id = \"files\"\nsecret = \"short\"".to_owned(), "at least 16"),
            (format!("{good}\nsecret_file = \"x\""), "keep one of the two"),
            (
                format!("{good}\nmounts = [\"other\"]"),
                "resource_servers.0.mounts.0 = \"other\": \"other\" is not a table",
            ),
            (format!("{good}\nmounts = []"), "must name at least one"),
            (format!("{good}\n[[resource_servers]]\n{good}"), "resource_servers.1.id = \"files\": is also the id of"),
            ("id = \"app\"\nsecret = \"0123456789abcdef\"".to_owned(), "or of a client"),
        ] {
            let told = servers(&bad).unwrap_err();
            assert!(told.contains(expected), "{bad}: {told}");
        }
    }
}
