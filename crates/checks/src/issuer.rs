//! Who answered: RFC 9207.

use anyhow::ensure;

use crate::row::Row;
use crate::source::rfc;
use crate::subject::ISSUER;
use crate::wire::{redirect_params, require_redirect_error};

pub(super) fn rows() -> Vec<Row> {
    vec![
        rfc(9207, "2").must("with-code", "An answer with a code names the issuer.", async |bench| {
            let client = bench.client().await?;
            let page = client.authorize(&mut bench.browser(), &[]).await;
            let answer = redirect_params(&page, &client)?;
            ensure!(answer.contains_key("code"));
            ensure!(answer.get("iss").map(String::as_str) == Some(ISSUER));
            Ok(())
        }),
        rfc(9207, "2").must("with-error", "An answer with an error names the issuer too.", async |bench| {
            let client = bench.client().await?;
            let page = bench.refusal(&client, &[("scope", "\"")]).await;
            require_redirect_error(&page, &client, "invalid_scope")?;
            ensure!(redirect_params(&page, &client)?.get("iss").map(String::as_str) == Some(ISSUER));
            let mut browser = bench.browser();
            let page = browser.get(&client.authorization_url(&[])).await;
            let page = browser.press(&page, "cancel").await;
            require_redirect_error(&page, &client, "access_denied")?;
            ensure!(redirect_params(&page, &client)?.get("iss").map(String::as_str) == Some(ISSUER));
            Ok(())
        }),
        rfc(9207, "2.3").must("advertised", "The metadata says that answers name the issuer.", async |bench| {
            ensure!(bench.metadata().await?["authorization_response_iss_parameter_supported"] == true);
            Ok(())
        }),
        rfc(9207, "2.4").must(
            "same-text",
            "The issuer is the text of the metadata, character by character.",
            async |bench| {
                let client = bench.client().await?;
                let page = client.authorize(&mut bench.browser(), &[]).await;
                let answer = redirect_params(&page, &client)?;
                ensure!(bench.metadata().await?["issuer"].as_str() == answer.get("iss").map(String::as_str));
                Ok(())
            },
        ),
    ]
}
