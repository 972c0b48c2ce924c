//! Apps on a computer: RFC 8252.

use anyhow::ensure;
use serde_json::json;

use crate::row::Row;
use crate::source::rfc;
use crate::wire::{dead_end, redirect_params, require_redirect_error};

pub(super) fn rows() -> Vec<Row> {
    vec![
        rfc(8252, "7.3").must("any-port", "A loopback redirect URI may have any port.", async |bench| {
            for (registered, asked) in [
                ("http://127.0.0.1/callback", "http://127.0.0.1:52100/callback"),
                ("http://127.0.0.1:7777/callback", "http://127.0.0.1:52100/callback"),
                ("http://[::1]/callback", "http://[::1]:52100/callback"),
                ("http://localhost:7777/callback", "http://localhost:52100/callback"),
            ] {
                let mut client = bench.client_with(json!({ "redirect_uris": [registered] })).await?;
                client.redirect_uri = asked.into();
                let page = client.authorize(&mut bench.browser(), &[]).await;
                ensure!(redirect_params(&page, &client)?.contains_key("code"), "{registered} as {asked}");
            }
            Ok(())
        }),
        rfc(8252, "7.3").must(
            "port-alone",
            "Nothing but the port of a loopback redirect URI may differ.",
            async |bench| {
                let client = bench.client_with(json!({ "redirect_uris": ["http://127.0.0.1/callback"] })).await?;
                for uri in [
                    "http://127.0.0.1:52100/other",
                    "http://127.0.0.1:52100/callback?x=1",
                    "https://127.0.0.1:52100/callback",
                    "http://127.0.0.2:52100/callback",
                    "http://127.0.0.1.example.com/callback",
                    "http://127.0.0.1:52100@evil.example/callback",
                ] {
                    dead_end(&bench.refusal(&client, &[("redirect_uri", uri)]).await)?;
                }
                Ok(())
            },
        ),
        rfc(8252, "7.1").must(
            "private-scheme",
            "An app's own scheme is a redirect URI, compared as a whole.",
            async |bench| {
                let client = bench.client_with(json!({ "redirect_uris": ["com.example.app:/callback"] })).await?;
                let page = client.authorize(&mut bench.browser(), &[]).await;
                ensure!(redirect_params(&page, &client)?.contains_key("code"));
                dead_end(&bench.refusal(&client, &[("redirect_uri", "com.example.app:/other")]).await)
            },
        ),
        rfc(8252, "8.4").must("http-elsewhere", "Plain http is a redirect URI on this computer only.", async |bench| {
            for uri in
                ["http://client.example/callback", "http://192.168.1.2/callback", "http://localhost.example.com/"]
            {
                let page = bench.stranger().post_json("/oauth/register", &json!({ "redirect_uris": [uri] })).await;
                ensure!(page.status == 400, "{uri} is answered with {}", page.status);
            }
            Ok(())
        }),
        rfc(8252, "8.6").should(
            "always-asked",
            "A person is asked each time for an app that anything can pose as.",
            async |bench| {
                let client = bench.client().await?;
                let mut browser = bench.browser();
                ensure!(redirect_params(&client.authorize(&mut browser, &[]).await, &client)?.contains_key("code"));
                let again = browser.get(&client.authorization_url(&[])).await;
                ensure!(again.status == 200 && again.form().action.ends_with("/oauth/consent"), "nobody is asked");
                require_redirect_error(
                    &browser.get(&client.authorization_url(&[("prompt", "none")])).await,
                    &client,
                    "consent_required",
                )
            },
        ),
        rfc(8252, "8.5").must("no-secret", "An app without a secret makes the whole journey.", async |bench| {
            let client = bench.client_with(json!({ "application_type": "native" })).await?;
            ensure!(client.secret.is_none(), "a secret that no app can keep");
            let tokens = bench.tokens_for(&client, &[]).await?;
            ensure!(client.whoami(tokens.access()).await.status == 200);
            Ok(())
        }),
    ]
}
