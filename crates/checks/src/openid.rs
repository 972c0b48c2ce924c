//! The OpenID Connect face: Discovery and Core, as far as clients of MCP use them.

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::bench::Bench;
use crate::row::Row;
use crate::source::Revision::V2025_11_25;
use crate::source::{mcp, openid, openid_discovery};
use crate::subject::ISSUER;
use crate::wire::{challenge, header, json, jwt_part, list, redirect_params, require_redirect_error};
use jean_testing::browser::Page;

const CONFIGURATION: &str = "/.well-known/openid-configuration";

/// Everything that can be told of a person.
const ALL: (&str, &str) = ("scope", "openid email profile read");

/// Asks the UserInfo endpoint.
async fn userinfo(bench: &Bench, token: &str) -> Page {
    bench.send("GET /oauth/userinfo", &[("authorization", &format!("Bearer {token}"))], "").await
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = discovery();
    rows.extend(core());
    rows
}

fn discovery() -> Vec<Row> {
    vec![
        openid_discovery("ProviderMetadata").must(
            "required",
            "All fields that are required are there.",
            async |bench| {
                let document = bench.document(CONFIGURATION).await?;
                for name in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
                    ensure!(document[name].is_string(), "{name} is missing");
                }
                for name in ["response_types_supported", "subject_types_supported"] {
                    ensure!(!list(&document, name).is_empty(), "{name} is missing");
                }
                ensure!(
                    list(&document, "id_token_signing_alg_values_supported").contains(&"RS256"),
                    "RS256 is missing"
                );
                Ok(())
            },
        ),
        openid_discovery("ProviderMetadata").should(
            "advertised",
            "UserInfo and the scope openid are named.",
            async |bench| {
                let document = bench.document(CONFIGURATION).await?;
                ensure!(document["userinfo_endpoint"] == format!("{ISSUER}/oauth/userinfo"));
                for scope in ["openid", "email", "profile"] {
                    ensure!(list(&document, "scopes_supported").contains(&scope), "{scope} is missing");
                }
                Ok(())
            },
        ),
        openid_discovery("ProviderConfigurationResponse").must(
            "issuer",
            "The issuer is the one of all that is signed.",
            async |bench| {
                let client = bench.client().await?;
                let tokens = bench.tokens_for(&client, &[ALL]).await?;
                let issuer = bench.document(CONFIGURATION).await?["issuer"].clone();
                ensure!(issuer == ISSUER && jwt_part(tokens.text("id_token"), 1)?["iss"] == issuer);
                Ok(())
            },
        ),
        mcp(V2025_11_25, "authorization#authorization-server-metadata-discovery").must(
            "openid-configuration",
            "openid-configuration is in all places where clients look, and says the same.",
            async |bench| {
                let issuer = "https://jean.example/team";
                let bench = bench.at(issuer, "").await?;
                for path in [
                    "/.well-known/oauth-authorization-server/team",
                    "/.well-known/openid-configuration/team",
                    "/team/.well-known/openid-configuration",
                ] {
                    let page = bench.send(&format!("GET {path}"), &[("host", "jean.example")], "").await;
                    ensure!(page.status == 200, "{path} answers {}", page.status);
                    ensure!(json(&page)?["issuer"] == issuer, "{path} is another issuer's");
                }
                bench.close().await;
                Ok(())
            },
        ),
        mcp(V2025_11_25, "authorization#authorization-code-protection").must(
            "pkce-in-openid",
            "openid-configuration names code_challenge_methods_supported with S256.",
            async |bench| {
                let document = bench.document(CONFIGURATION).await?;
                ensure!(list(&document, "code_challenge_methods_supported").contains(&"S256"));
                Ok(())
            },
        ),
    ]
}

fn core() -> Vec<Row> {
    vec![
        openid("IDToken").must(
            "id-token",
            "With openid there is an ID token for this client, with all claims.",
            async |bench| {
                let client = bench.client().await?;
                let tokens = bench.tokens_for(&client, &[ALL, ("nonce", "n-0S6_WzA2Mj")]).await?;
                let claims = jwt_part(tokens.text("id_token"), 1)?;
                ensure!(claims["iss"] == ISSUER && claims["aud"] == client.id.as_str(), "{claims}");
                ensure!(claims["sub"] == jwt_part(tokens.access(), 1)?["sub"]);
                ensure!(["exp", "iat", "auth_time"].iter().all(|name| claims[*name].is_i64()), "{claims}");
                Ok(())
            },
        ),
        openid("NonceNotes").must("nonce", "nonce comes back as it was sent.", async |bench| {
            let client = bench.client().await?;
            for nonce in ["n-0S6_WzA2Mj", "a b+c&d=\u{20ac}"] {
                let tokens = bench.tokens_for(&client, &[ALL, ("nonce", nonce)]).await?;
                ensure!(jwt_part(tokens.text("id_token"), 1)?["nonce"] == nonce);
            }
            let tokens = bench.tokens_for(&client, &[ALL]).await?;
            ensure!(jwt_part(tokens.text("id_token"), 1)?.get("nonce").is_none(), "a nonce that nobody sent");
            Ok(())
        }),
        openid("IDTokenValidation").must(
            "verifiable",
            "The ID token is signed by RS256 with a key of the key set.",
            async |bench| {
                let client = bench.client().await?;
                let tokens = bench.tokens_for(&client, &[ALL]).await?;
                let token = tokens.text("id_token");
                ensure!(jwt_part(token, 0)?["alg"] == "RS256");
                let (signed, signature) = token.rsplit_once('.').context("no JWT")?;
                let key = crate::access_token::published(bench, token).await?;
                let part = |name: &str| -> Result<Vec<u8>> {
                    Ok(URL_SAFE_NO_PAD.decode(key[name].as_str().with_context(|| format!("no RSA key: {key}"))?)?)
                };
                let key = RsaPublicKeyComponents { n: part("n")?, e: part("e")? };
                let verified =
                    key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature)?);
                ensure!(verified.is_ok(), "the signature is wrong");
                Ok(())
            },
        ),
        openid("AuthRequest").must("openid-needed", "Without openid there is no ID token.", async |bench| {
            let client = bench.client().await?;
            let tokens = bench.tokens_for(&client, &[("scope", "email profile read")]).await?;
            ensure!(tokens.json.get("id_token").is_none(), "an ID token that nobody asked for");
            Ok(())
        }),
        openid("IDToken").must("no-access-token", "An ID token opens nothing.", async |bench| {
            let client = bench.client().await?;
            let tokens = bench.tokens_for(&client, &[ALL]).await?;
            ensure!(client.whoami(tokens.access()).await.status == 200);
            ensure!(client.whoami(tokens.text("id_token")).await.status == 401, "the MCP endpoint takes it");
            ensure!(userinfo(bench, tokens.text("id_token")).await.status == 401, "UserInfo takes it");
            Ok(())
        }),
        openid("UserInfo").must("userinfo", "UserInfo tells the same person, and a verified email.", async |bench| {
            let client = bench.client().await?;
            let tokens = bench.tokens_for(&client, &[ALL]).await?;
            let page = userinfo(bench, tokens.access()).await;
            ensure!(page.status == 200, "the status is {}", page.status);
            let info = json(&page)?;
            ensure!(info["sub"] == jwt_part(tokens.text("id_token"), 1)?["sub"]);
            ensure!(info["email"] == "ada-lovelace@example.com" && info["email_verified"] == true, "{info}");
            Ok(())
        }),
        openid("UserInfoError").must("userinfo-refused", "UserInfo needs a token, with openid.", async |bench| {
            let client = bench.client().await?;
            let page = bench.get("/oauth/userinfo").await;
            ensure!(page.status == 401 && header(&page, "www-authenticate").starts_with("Bearer"));
            let tokens = bench.tokens_for(&client, &[("scope", "email read")]).await?;
            let page = userinfo(bench, tokens.access()).await;
            ensure!(page.status == 403, "the status is {}", page.status);
            ensure!(challenge(&page)?.get("error").map(String::as_str) == Some("insufficient_scope"));
            Ok(())
        }),
        openid("ScopeClaims").must("scopes", "Email and name are told only where they were granted.", async |bench| {
            let client = bench.client().await?;
            for (scope, email, name) in
                [("openid", false, false), ("openid email", true, false), ("openid profile", false, true)]
            {
                let tokens = bench.tokens_for(&client, &[("scope", scope)]).await?;
                let claims = jwt_part(tokens.text("id_token"), 1)?;
                let info = json(&userinfo(bench, tokens.access()).await)?;
                for told in [claims, info] {
                    let has = |claim: &str| !told.get(claim).unwrap_or(&Value::Null).is_null();
                    ensure!((has("email"), has("name")) == (email, name), "{scope}: {told}");
                }
            }
            Ok(())
        }),
        openid("AuthRequest").must(
            "prompt-none",
            "prompt=none shows no page: login_required or consent_required.",
            async |bench| {
                let client = bench.client().await?;
                let mut browser = bench.browser();
                let quiet = client.authorization_url(&[("prompt", "none")]);
                require_redirect_error(&browser.get(&quiet).await, &client, "login_required")?;
                redirect_params(&client.authorize(&mut browser, &[]).await, &client)?;
                require_redirect_error(&browser.get(&quiet).await, &client, "consent_required")?;
                let both = bench.refusal(&client, &[("prompt", "none login")]).await;
                require_redirect_error(&both, &client, "invalid_request")
            },
        ),
        openid("AuthRequest").must(
            "prompt-login",
            "prompt=login and max_age=0 ask who it is, whoever is signed in.",
            async |bench| {
                let client = bench.client().await?;
                let mut browser = bench.browser();
                redirect_params(&client.authorize(&mut browser, &[]).await, &client)?;
                let allows = |page: &Page| page.form().answers.iter().any(|answer| answer == "allow");
                ensure!(allows(&browser.get(&client.authorization_url(&[])).await), "nobody is signed in");
                for anew in [("prompt", "login"), ("max_age", "0")] {
                    let page = browser.get(&client.authorization_url(&[anew])).await;
                    ensure!(page.status == 200 && !allows(&page), "nobody is asked: {anew:?}");
                }
                Ok(())
            },
        ),
        openid("AuthRequest").must("posted", "The request may be a form too.", async |bench| {
            let client = bench.client().await?;
            let mut browser = bench.browser();
            let request = client.authorization_request();
            let fields: Vec<_> = request.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let page = browser.post("/oauth/authorize", &fields).await;
            let page = browser.follow(page).await;
            ensure!(page.form().answers.iter().any(|answer| answer.starts_with("upstream:")), "no page asks");
            Ok(())
        }),
        openid("AuthError").must(
            "request-object",
            "What is not supported is refused by its own name.",
            async |bench| {
                let client = bench.client().await?;
                let page = bench.refusal(&client, &[("request", "eyJhbGciOiJub25lIn0.e30.")]).await;
                require_redirect_error(&page, &client, "request_not_supported")?;
                let page = bench.refusal(&client, &[("request_uri", "https://client.example/request")]).await;
                require_redirect_error(&page, &client, "request_uri_not_supported")
            },
        ),
    ]
}
