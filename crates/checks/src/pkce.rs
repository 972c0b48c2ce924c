//! PKCE: RFC 7636, and OAuth 2.1, which leaves no way around it (CVE-2025-4144).

use anyhow::ensure;

use crate::row::Row;
use crate::source::{oauth21, rfc};
use crate::wire::{granted, list, require_redirect_error, require_refusal};

pub(super) fn rows() -> Vec<Row> {
    vec![
        rfc(7636, "4.4.1").must("challenge-missing", "A request without code_challenge is refused.", async |bench| {
            for client in [bench.client().await?, bench.confidential("client_secret_basic").await?] {
                require_redirect_error(
                    &bench.refusal(&client, &[("code_challenge", "")]).await,
                    &client,
                    "invalid_request",
                )?;
                let neither = [("code_challenge", ""), ("code_challenge_method", "")];
                require_redirect_error(&bench.refusal(&client, &neither).await, &client, "invalid_request")?;
            }
            Ok(())
        }),
        rfc(7636, "4.4.1").must("method-unknown", "An unknown code_challenge_method is refused.", async |bench| {
            let client = bench.client().await?;
            for method in ["S512", "s256", "none"] {
                let page = bench.refusal(&client, &[("code_challenge_method", method)]).await;
                require_redirect_error(&page, &client, "invalid_request")?;
            }
            Ok(())
        }),
        oauth21("4.1.1").must("no-plain", "The method plain is refused, spelled out or left out.", async |bench| {
            let client = bench.client().await?;
            for method in ["plain", ""] {
                let changes = [("code_challenge_method", method), ("code_challenge", client.verifier.as_str())];
                require_redirect_error(&bench.refusal(&client, &changes).await, &client, "invalid_request")?;
            }
            Ok(())
        }),
        rfc(7636, "4.6").must(
            "wrong-verifier",
            "A wrong code_verifier is refused, and the code stays good.",
            async |bench| {
                let (client, code) = bench.code().await?;
                let wrong = "A".repeat(43);
                require_refusal(&client.redeem(&code, &[("code_verifier", &wrong)]).await, 400, "invalid_grant")?;
                granted(client.redeem(&code, &[]).await)?;
                Ok(())
            },
        ),
        rfc(7636, "4.6").must("challenge-as-verifier", "The challenge itself is no verifier.", async |bench| {
            let (client, code) = bench.code().await?;
            let challenge = jean_testing::client::challenge(&client.verifier);
            require_refusal(&client.redeem(&code, &[("code_verifier", &challenge)]).await, 400, "invalid_grant")?;
            granted(client.redeem(&code, &[]).await)?;
            Ok(())
        }),
        rfc(7636, "4.5").must("verifier-missing", "A code with a challenge needs its verifier.", async |bench| {
            let (client, code) = bench.code().await?;
            require_refusal(&client.redeem(&code, &[("code_verifier", "")]).await, 400, "invalid_request")?;
            granted(client.redeem(&code, &[]).await)?;
            Ok(())
        }),
        rfc(7636, "4.1").must(
            "verifier-length",
            "A verifier has 43 to 128 characters, and of those only.",
            async |bench| {
                for (verifier, good) in [
                    ("a".repeat(42), false),
                    ("a".repeat(43), true),
                    ("-._~".repeat(32), true),
                    ("a".repeat(129), false),
                    (format!("{}+", "a".repeat(43)), false),
                ] {
                    let mut client = bench.client().await?;
                    // The challenge of any text, also of one that is no verifier.
                    let challenge = crate::wire::s256(&verifier);
                    let code = bench.code_for(&client, &[("code_challenge", &challenge)]).await?;
                    client.verifier = verifier;
                    let tokens = client.redeem(&code, &[]).await;
                    ensure!((tokens.status == 200) == good, "{} characters: {}", client.verifier.len(), tokens.status);
                }
                Ok(())
            },
        ),
        rfc(7636, "4.2").must("challenge-malformed", "A challenge that is no SHA-256 is refused.", async |bench| {
            let client = bench.client().await?;
            for challenge in ["x", &"a".repeat(42), &"a".repeat(44), &format!("{}=", "a".repeat(42))] {
                let page = bench.refusal(&client, &[("code_challenge", challenge)]).await;
                require_redirect_error(&page, &client, "invalid_request")?;
            }
            Ok(())
        }),
        oauth21("7.5.2").must("pkce-advertised", "The metadata names S256, and nothing weaker.", async |bench| {
            let metadata = bench.metadata().await?;
            ensure!(list(&metadata, "code_challenge_methods_supported") == ["S256"]);
            Ok(())
        }),
    ]
}
