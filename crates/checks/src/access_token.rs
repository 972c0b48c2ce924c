//! Access tokens as JWTs: RFC 9068, made and read.

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::key::{Key, signing_input};
use crate::row::Row;
use crate::source::rfc;
use crate::subject::{ISSUER, RESOURCE};
use crate::wire::jwt_part;

pub(super) fn rows() -> Vec<Row> {
    vec![
        rfc(9068, "2.1").must(
            "type",
            "The header has the type at+jwt, an algorithm and the name of a key.",
            async |bench| {
                let (_, tokens) = bench.tokens().await?;
                let header = jwt_part(tokens.access(), 0)?;
                ensure!(header["typ"] == "at+jwt");
                ensure!(header["alg"].as_str().is_some_and(|alg| alg != "none" && !alg.starts_with("HS")), "{header}");
                ensure!(header["kid"].is_string());
                Ok(())
            },
        ),
        rfc(9068, "2.2").must("claims", "All claims that are required are there and right.", async |bench| {
            let (client, tokens) = bench.tokens().await?;
            let claims = jwt_part(tokens.access(), 1)?;
            ensure!(claims["iss"] == ISSUER && claims["aud"] == RESOURCE);
            ensure!(claims["client_id"] == client.id.as_str());
            ensure!(claims["sub"].as_str().is_some_and(|sub| !sub.is_empty() && sub != client.id));
            ensure!(claims["jti"].as_str().is_some_and(|jti| jti.len() >= 16));
            let (issued, expires) = (claims["iat"].as_i64(), claims["exp"].as_i64());
            ensure!(expires.zip(issued).map(|(exp, iat)| exp - iat) == tokens.json["expires_in"].as_i64());
            Ok(())
        }),
        rfc(9068, "2.2.3").should("scope", "The scope is a claim, as the response tells it.", async |bench| {
            let client = bench.client().await?;
            let tokens = bench.tokens_for(&client, &[("scope", "read write")]).await?;
            ensure!(jwt_part(tokens.access(), 1)?["scope"] == tokens.text("scope"));
            Ok(())
        }),
        rfc(9068, "2.2").must("jti", "No two tokens have the same jti.", async |bench| {
            let (client, first) = bench.tokens().await?;
            let second = client.refresh(first.refresh(), &[]).await;
            ensure!(jwt_part(first.access(), 1)?["jti"] != jwt_part(second.access(), 1)?["jti"]);
            Ok(())
        }),
        rfc(9068, "4").must(
            "verifiable",
            "Anybody can verify a token with the key set of the metadata.",
            async |bench| {
                let (_, tokens) = bench.tokens().await?;
                let (signed, signature) = tokens.access().rsplit_once('.').context("no JWT")?;
                let signature = URL_SAFE_NO_PAD.decode(signature)?;
                let key =
                    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point(&published(bench, tokens.access()).await?)?);
                ensure!(key.verify(signed.as_bytes(), &signature).is_ok(), "the signature is wrong");
                ensure!(key.verify(format!("{signed}x").as_bytes(), &signature).is_err());
                Ok(())
            },
        ),
        rfc(9068, "4").must("unsigned", "A token without a signature is refused, whatever it says.", async |bench| {
            let (client, tokens) = bench.tokens().await?;
            let claims = jwt_part(tokens.access(), 1)?;
            for alg in ["none", "None", "NONE"] {
                let mut header = jwt_part(tokens.access(), 0)?;
                header["alg"] = alg.into();
                let forged = format!("{}.", signing_input(&header, &claims));
                ensure!(client.whoami(&forged).await.status == 401, "{alg}");
            }
            ensure!(client.whoami(tokens.access()).await.status == 200);
            Ok(())
        }),
        rfc(9068, "4").must(
            "public-key-as-secret",
            "An HMAC with the public key for its secret is refused.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                let public = published(bench, tokens.access()).await?;
                let mut header = jwt_part(tokens.access(), 0)?;
                header["alg"] = "HS256".into();
                let input = signing_input(&header, &jwt_part(tokens.access(), 1)?);
                for secret in [point(&public)?, public.to_string().into_bytes()] {
                    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), input.as_bytes());
                    let forged = format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag));
                    ensure!(client.whoami(&forged).await.status == 401);
                }
                Ok(())
            },
        ),
        rfc(9068, "4").must(
            "foreign-key",
            "A token that another key signed is refused, by any name of the key.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                let key = Key::generate()?;
                let good = jwt_part(tokens.access(), 0)?;
                for (name, value) in [("kid", good["kid"].clone()), ("kid", json!("key")), ("jwk", key.public())] {
                    let mut header = good.clone();
                    header[name] = value;
                    let forged = key.sign(&header, &jwt_part(tokens.access(), 1)?)?;
                    ensure!(client.whoami(&forged).await.status == 401, "{name} is believed");
                }
                Ok(())
            },
        ),
        rfc(9068, "4").must("tampered", "A token of which anything was changed is refused.", async |bench| {
            let (client, tokens) = bench.tokens().await?;
            let signature = tokens.access().rsplit('.').next().unwrap_or_default();
            let (header, good) = (jwt_part(tokens.access(), 0)?, jwt_part(tokens.access(), 1)?);
            for (name, value) in
                [("scope", json!("read write")), ("sub", json!("somebody")), ("exp", json!(4_000_000_000_u32))]
            {
                let mut claims = good.clone();
                claims[name] = value;
                let forged = format!("{}.{signature}", signing_input(&header, &claims));
                ensure!(client.whoami(&forged).await.status == 401, "{name} can be changed");
            }
            Ok(())
        }),
    ]
}

/// The key of the key set that the token names.
pub(super) async fn published(bench: &Bench, token: &str) -> Result<Value> {
    let kid = jwt_part(token, 0)?["kid"].clone();
    let uri = bench.metadata().await?["jwks_uri"].as_str().unwrap_or_default().to_owned();
    let keys = bench.document(uri.strip_prefix(ISSUER).unwrap_or_default()).await?;
    let mut keys = keys["keys"].as_array().cloned().unwrap_or_default().into_iter();
    keys.find(|key| key["kid"] == kid).context("the key set has no key of this name")
}

/// A P-256 key as the uncompressed point of SEC 1.
fn point(jwk: &Value) -> Result<Vec<u8>> {
    let mut point = vec![4];
    for name in ["x", "y"] {
        point.extend(URL_SAFE_NO_PAD.decode(jwk[name].as_str().with_context(|| format!("no P-256 key: {jwk}"))?)?);
    }
    Ok(point)
}
