//! Clients that authenticate by a JWT of their own: RFC 7523.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::key::Key;
use crate::row::Row;
use crate::source::rfc;
use crate::subject::ISSUER;
use crate::wire::{granted, list, require_refusal};
use jean_testing::client::{Client, Tokens};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client with a key of its own, and a code for it.
struct Keyed {
    client: Client,
    key: Key,
    code: String,
    /// The claims of a good assertion.
    claims: Value,
}

impl Keyed {
    async fn at(bench: &Bench) -> Result<Self> {
        let key = Key::generate()?;
        let changes = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key.public()] } });
        let client = bench.client_with(changes).await?;
        let code = bench.code_for(&client, &[]).await?;
        let (now, id) = (bench.clock.now(), &client.id);
        let claims = json!({ "iss": id, "sub": id, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": "once" });
        Ok(Keyed { client, key, code, claims })
    }

    /// A good assertion that differs in one claim.
    fn assertion(&self, name: &str, value: impl Into<Value>) -> Result<String> {
        let mut claims = self.claims.clone();
        claims[name] = value.into();
        self.key.sign(&json!({ "alg": "ES256", "typ": "JWT", "kid": "key" }), &claims)
    }

    async fn redeem(&self, assertion: &str) -> Tokens {
        let assertion = [("client_id", ""), ("client_assertion_type", TYPE), ("client_assertion", assertion)];
        self.client.redeem(&self.code, &assertion).await
    }
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        rfc(7523, "2.2").must("accepted", "A client may show who it is by a JWT that it signed.", async |bench| {
            let keyed = Keyed::at(bench).await?;
            ensure!(keyed.client.secret.is_none(), "a secret beside the key");
            granted(keyed.redeem(&keyed.assertion("jti", "once")?).await)?;
            let metadata = bench.metadata().await?;
            ensure!(list(&metadata, "token_endpoint_auth_methods_supported").contains(&"private_key_jwt"));
            ensure!(list(&metadata, "token_endpoint_auth_signing_alg_values_supported").contains(&"ES256"));
            Ok(())
        }),
        rfc(7523, "3").must("rules", "Issuer, subject, audience and times of the JWT are checked.", async |bench| {
            let keyed = Keyed::at(bench).await?;
            let now = bench.clock.now();
            for (name, value) in [
                ("iss", json!("somebody-else")),
                ("sub", json!("somebody-else")),
                ("aud", json!("https://other.example")),
                ("aud", json!([ISSUER, "https://other.example"])),
                ("aud", Value::Null),
                ("exp", json!(now - 120)),
                ("exp", Value::Null),
                ("nbf", json!(now + 600)),
                ("jti", Value::Null),
            ] {
                let tokens = keyed.redeem(&keyed.assertion(name, value.clone())?).await;
                ensure!(tokens.error() == "invalid_client", "{name} {value}: {}", tokens.json);
            }
            granted(keyed.redeem(&keyed.assertion("jti", "once")?).await)?;
            Ok(())
        }),
        rfc(7523, "3").should("once", "A JWT works once.", async |bench| {
            let keyed = Keyed::at(bench).await?;
            let assertion = keyed.assertion("jti", "once")?;
            let tokens = granted(keyed.redeem(&assertion).await)?;
            let again = [("client_assertion_type", TYPE), ("client_assertion", assertion.as_str())];
            require_refusal(&keyed.client.refresh(tokens.refresh(), &again).await, 401, "invalid_client")?;
            let other = keyed.assertion("jti", "twice")?;
            let other = [("client_assertion_type", TYPE), ("client_assertion", other.as_str())];
            granted(keyed.client.refresh(tokens.refresh(), &other).await)?;
            Ok(())
        }),
        rfc(7523, "3").must("signature", "A JWT that another key signed, or none, is refused.", async |bench| {
            let keyed = Keyed::at(bench).await?;
            let header = json!({ "alg": "ES256", "kid": "key" });
            let foreign = Key::generate()?.sign(&header, &keyed.claims)?;
            let unsigned = crate::key::signing_input(&json!({ "alg": "none", "kid": "key" }), &keyed.claims) + ".";
            for forged in [foreign, unsigned] {
                require_refusal(&keyed.redeem(&forged).await, 401, "invalid_client")?;
            }
            require_refusal(&keyed.client.redeem(&keyed.code, &[]).await, 401, "invalid_client")?;
            granted(keyed.redeem(&keyed.assertion("jti", "once")?).await)?;
            Ok(())
        }),
    ]
}
