//! The client configuration endpoint (RFC 7592): a client reads, replaces and deletes its own registration, and nobody
//! else does.

use axum::http::{Method, StatusCode};
use jean_testing::browser::Page;
use jean_testing::client::Client;
use serde_json::{Value, json};

use crate::support::browsing::{asks, consent_page, reads};
use crate::support::tokens::{assert_alive, assert_no_store, header_of, json_of, moved};
use crate::support::{BOTH, World, code_of};

/// A registration as its client knows it.
struct Registration {
    client: Client,
    /// What the server answered to it.
    json: Value,
    token: String,
    path: String,
}

async fn register(world: &World, changes: Value) -> Registration {
    let mut client = world.stranger();
    let mut metadata = client.metadata();
    metadata.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
    let json = json_of(&client.post_json("/oauth/register", &metadata).await);
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    client.id = text("client_id").unwrap_or_else(|| panic!("not registered: {json}"));
    client.secret = text("client_secret");
    client.auth_method = text("token_endpoint_auth_method").expect("a method");
    let uri = text("registration_client_uri").expect("a place to manage it");
    let path = uri.strip_prefix(&world.public_url).expect("below the public URL").to_owned();
    Registration { client, token: text("registration_access_token").expect("a token"), path, json }
}

impl Registration {
    async fn send(&self, world: &World, method: Method, body: &Value) -> Page {
        send(world, &format!("{method} {}", self.path), Some(&self.token), body).await
    }

    async fn read(&self, world: &World) -> Page {
        self.send(world, Method::GET, &Value::Null).await
    }

    /// Replaces the metadata by what was registered, but for these changes; null leaves a field out.
    async fn update(&self, world: &World, changes: Value) -> Page {
        self.send(world, Method::PUT, &self.request(changes)).await
    }

    fn request(&self, changes: Value) -> Value {
        let mut request = self.client.metadata();
        request["client_id"] = json!(self.client.id);
        request["token_endpoint_auth_method"] = json!(self.client.auth_method);
        request.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        request
    }

    async fn delete(&self, world: &World) -> Page {
        self.send(world, Method::DELETE, &Value::Null).await
    }
}

/// Sends a request by its line, `METHOD path`.
async fn send(world: &World, line: &str, token: Option<&str>, body: &Value) -> Page {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
    if !body.is_null() {
        headers.push(("content-type", "application/json"));
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    world.send(line, &headers, body).await
}

/// 401 with a challenge for a bearer token (RFC 6750 section 3).
#[track_caller]
fn assert_refused(page: &Page) {
    assert_eq!((page.status, &json_of(page)["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_token")), "{page:?}");
    assert!(header_of(&page.headers, "www-authenticate").starts_with("Bearer "), "{page:?}");
    assert_no_store(page);
}

#[track_caller]
fn assert_bad_metadata(page: &Page, error: &str) {
    assert_eq!((page.status, &json_of(page)["error"]), (StatusCode::BAD_REQUEST, &json!(error)), "{page:?}");
    assert_no_store(page);
}

/// RFC 7592 section 3: where to manage it and by what, in the answer to the registration.
#[tokio::test]
async fn a_registration_tells_where_and_by_what_it_is_managed() {
    let world = World::new().await;
    let registration = register(&world, json!({})).await;
    let uri = format!("{}/oauth/register/{}", world.public_url, registration.client.id);
    assert_eq!(registration.json["registration_client_uri"], uri);
    assert!(registration.token.starts_with("ja1_") && registration.token.len() == 47, "{}", registration.token);
    let kept = world.row("SELECT registration_hash, metadata FROM clients").await;
    assert_eq!(kept[0].len(), 43, "its hash");
    assert!(!kept.iter().any(|text| text.contains(&registration.token)), "{kept:?}");
}

/// RFC 7592 section 2.1, and section 3: the same as at the registration; the secret is told once, and not again.
#[tokio::test]
async fn a_client_reads_its_registration_without_the_secret() {
    for method in ["none", "client_secret_basic"] {
        let world = World::new().await;
        let registration = register(&world, json!({ "token_endpoint_auth_method": method, "scope": "read" })).await;
        world.clock.advance(100);
        let page = registration.read(&world).await;
        assert_eq!(page.status, 200, "{}", page.body);
        assert_no_store(&page);
        let mut expected = registration.json.clone();
        expected.as_object_mut().expect("an object").remove("client_secret");
        assert_eq!(json_of(&page), expected, "{method}");
        assert_eq!(expected.get("client_secret_expires_at").is_some(), method != "none");
    }
}

/// RFC 7592 section 2.2: what is left out is gone, and the next request goes by what is there now.
#[tokio::test]
async fn an_update_replaces_everything() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let registration = register(&world, json!({ "client_uri": "https://client.example", "contacts": ["a"] })).await;
        let other = "https://client.example/other";
        let changes = json!({ "redirect_uris": [other], "client_name": "New name", "grant_types": null });
        let page = registration.update(&world, changes).await;
        assert_eq!(page.status, 200, "{db:?}: {}", page.body);
        assert_no_store(&page);
        let mut expected = registration.json.clone();
        expected["redirect_uris"] = json!([other]);
        expected["client_name"] = json!("New name");
        expected["grant_types"] = json!(["authorization_code"]);
        for gone in ["client_uri", "contacts"] {
            expected.as_object_mut().expect("an object").remove(gone);
        }
        assert_eq!(json_of(&page), expected, "{db:?}");
        assert_eq!(json_of(&registration.read(&world).await), expected, "{db:?}");

        let mut client = registration.client.clone();
        let page = world.browser().get(&client.authorization_url(&[])).await;
        assert_eq!(page.status, 400, "the old redirect URI is not registered any more");
        client.redirect_uri = other.to_owned();
        let tokens = world.tokens_for(&client, &[]).await;
        assert_eq!(tokens.refresh(), "", "{db:?}: it did not register refresh_token any more");
    }
}

#[tokio::test]
async fn an_update_that_is_refused_changes_nothing() {
    let world = World::new().await;
    let registration = register(&world, json!({ "token_endpoint_auth_method": "client_secret_post" })).await;
    let secret = registration.client.secret.clone().expect("a secret");
    let before = json_of(&registration.read(&world).await);
    for (changes, error) in [
        (json!({ "client_id": null }), "invalid_client_metadata"),
        (json!({ "client_id": "jci_another" }), "invalid_client_metadata"),
        (json!({ "client_id": 7 }), "invalid_client_metadata"),
        (json!({ "client_secret": "jcs1_another" }), "invalid_client_metadata"),
        (json!({ "client_secret": format!("{secret}x") }), "invalid_client_metadata"),
        (json!({ "client_secret": [secret] }), "invalid_client_metadata"),
        (json!({ "registration_access_token": registration.token }), "invalid_client_metadata"),
        (json!({ "registration_client_uri": registration.json["registration_client_uri"] }), "invalid_client_metadata"),
        (json!({ "client_secret_expires_at": 0 }), "invalid_client_metadata"),
        (json!({ "client_id_issued_at": 1_800_000_000 }), "invalid_client_metadata"),
        (json!({ "redirect_uris": null }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), "invalid_client_metadata"),
    ] {
        assert_bad_metadata(&registration.update(&world, changes).await, error);
    }
    for body in [json!([]), json!("text")] {
        assert_bad_metadata(&registration.send(&world, Method::PUT, &body).await, "invalid_client_metadata");
    }
    assert_eq!(json_of(&registration.read(&world).await), before);
    let page = registration.update(&world, json!({ "client_secret": secret, "client_uri": null })).await;
    assert_eq!((page.status.as_u16(), json_of(&page)), (200, before), "the current secret is no offence");
    world.tokens_for(&registration.client, &[]).await;
}

/// A client that gave up refresh tokens has none that works, and is told so when it asks (RFC 7662 section 2.2).
#[tokio::test]
async fn an_update_without_refresh_tokens_makes_them_inactive() {
    let world = World::new().await;
    let registration = register(&world, json!({ "token_endpoint_auth_method": "client_secret_post" })).await;
    let client = &registration.client;
    let tokens = world.tokens_for(client, &[]).await;
    let active = async |token: &str| {
        json_of(&client.post_form("/oauth/introspect", &[("token", token)], &[]).await)["active"].clone()
    };
    assert_eq!(active(tokens.refresh()).await, true);
    assert_eq!(registration.update(&world, json!({ "grant_types": null })).await.status, 200);
    assert_eq!(active(tokens.refresh()).await, false);
    assert_eq!(client.refresh(tokens.refresh(), &[]).await.status, 400);
    assert_eq!(active(tokens.access()).await, true);
}

/// A secret comes with a method that needs one and goes with it; it stays while the method only changes its place.
#[tokio::test]
async fn the_secret_follows_the_method() {
    let world = World::new().await;
    let registration = register(&world, json!({ "token_endpoint_auth_method": "none" })).await;
    let method = |method: &str| json!({ "token_endpoint_auth_method": method });
    let to_basic = json_of(&registration.update(&world, method("client_secret_basic")).await);
    let secret = to_basic["client_secret"].as_str().expect("a new secret").to_owned();
    assert_eq!(to_basic["client_secret_expires_at"], 0);
    let mut client = registration.client.clone();
    let code = world.code_for(&client, &[]).await;
    assert_eq!(client.redeem(&code, &[]).await.error(), "invalid_client", "a public client no more");
    client.auth_method = "client_secret_basic".to_owned();
    client.secret = Some(secret.clone());
    assert_eq!(client.redeem(&code, &[]).await.status, 200);

    let to_post = json_of(&registration.update(&world, method("client_secret_post")).await);
    assert_eq!((to_post.get("client_secret"), &to_post["client_secret_expires_at"]), (None, &json!(0)));
    client.auth_method = "client_secret_post".to_owned();
    world.tokens_for(&client, &[]).await;

    let to_none = json_of(&registration.update(&world, method("none")).await);
    assert_eq!((to_none.get("client_secret"), to_none.get("client_secret_expires_at")), (None, None));
    let code = world.code_for(&client, &[]).await;
    assert_eq!(client.redeem(&code, &[]).await.error(), "invalid_client", "the secret is gone");
    client.auth_method = "none".to_owned();
    assert_eq!(client.redeem(&code, &[]).await.status, 200);

    let again = json_of(&registration.update(&world, method("client_secret_basic")).await);
    assert_ne!(again["client_secret"].as_str().expect("a secret"), secret, "another one");
}

/// What a person agreed to was another registration, even where the new one says the same.
#[tokio::test]
async fn an_update_ends_the_remembered_consents() {
    for db in BOTH {
        let world = World::on(db, "[clients]\nremember_consent = true\n").await;
        let registration = register(&world, json!({})).await;
        let client = &registration.client;
        let bystander = world.client().await;
        let mut browser = world.browser();
        for client in [client, &bystander] {
            code_of(&client.authorize(&mut browser, &[]).await);
            let page = browser.get(&client.authorization_url(&[])).await;
            assert!(!page.redirect_params()["code"].is_empty(), "{db:?}: remembered");
        }
        let page = registration.update(&world, json!({})).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let page = consent_page(client, &mut browser, &[]).await;
        assert!(reads(&page).contains("New this time its details have changed"), "{}", page.body);
        let page = browser.get(&bystander.authorization_url(&[])).await;
        assert!(!page.redirect_params()["code"].is_empty(), "{db:?}: another client is remembered as before");
    }
}

/// The consent page that is open shows what was registered before: it is drawn anew instead of believed.
#[tokio::test]
async fn an_update_under_an_open_consent_page_asks_again() {
    let world = World::new().await;
    let registration = register(&world, json!({})).await;
    let mut browser = world.browser();
    let page = consent_page(&registration.client, &mut browser, &[]).await;
    let updated = registration.update(&world, json!({ "client_name": "Something else" })).await;
    assert_eq!(updated.status, 200, "{}", updated.body);
    let answer = browser.press(&page, crate::support::browsing::UPSTREAM).await;
    assert!(asks(&answer) && answer.leads_to().is_none(), "{answer:?}");
    assert!(answer.body.contains("Something else"), "{}", answer.body);
}

/// RFC 7592 section 2.3: all that it was granted ends at once, here and at the next replica, and the id means nothing.
#[tokio::test]
async fn a_deleted_client_leaves_nothing_that_works() {
    for db in BOTH {
        let world = World::on(db, "[clients]\nremember_consent = true\n").await;
        let registration = register(&world, json!({})).await;
        let client = &registration.client;
        let bystander = world.client().await;
        let kept = world.tokens_for(&bystander, &[]).await;
        let replica = world.replica().await;
        let first = world.tokens_for(client, &[]).await;
        let second = world.tokens_for(client, &[]).await;
        let code = world.code_for(client, &[]).await;
        for tokens in [&first, &second] {
            assert_eq!(client.whoami(tokens.access()).await.status, 200, "the guard knows it");
        }
        let page = registration.delete(&world).await;
        assert_eq!((page.status.as_u16(), page.body.as_str()), (204, ""), "{db:?}");
        assert_no_store(&page);
        for tokens in [&first, &second] {
            assert_eq!(client.whoami(tokens.access()).await.status, 401, "{db:?}: at once");
            assert_eq!(client.refresh(tokens.refresh(), &[]).await.error(), "invalid_client", "{db:?}");
            let there = moved(client, &replica);
            assert_eq!(there.whoami(tokens.access()).await.status, 401, "{db:?}: elsewhere, not seen there before");
        }
        assert_eq!(client.redeem(&code, &[]).await.error(), "invalid_client", "{db:?}");
        let page = world.browser().get(&client.authorization_url(&[])).await;
        assert_eq!((page.status.as_u16(), page.leads_to()), (400, None), "{db:?}");
        for method in [Method::GET, Method::DELETE] {
            assert_refused(&registration.send(&world, method, &Value::Null).await);
        }
        assert_refused(&registration.update(&world, json!({})).await);

        let mut database = world.database().await;
        assert_eq!(database.number("SELECT COUNT(*) FROM clients").await, 1, "{db:?}");
        assert_eq!(database.number("SELECT COUNT(*) FROM consents").await, 1, "{db:?}");
        let live = "SELECT COUNT(*) FROM grants WHERE revoked_at = 0";
        assert_eq!(database.number(live).await, 1, "{db:?}: the rows stay until no token of theirs can be shown");
        assert_alive(&bystander, &kept).await;
    }
}

/// The grants come first: where the rest cannot be done the client is still there to do it again, and nothing of it works.
#[tokio::test]
async fn a_deletion_that_breaks_off_has_revoked_already() {
    let world = World::new().await;
    let registration = register(&world, json!({})).await;
    let tokens = world.tokens_for(&registration.client, &[]).await;
    world.sql("CREATE TRIGGER stuck BEFORE DELETE ON clients BEGIN SELECT RAISE(ABORT, 'stuck'); END").await;
    assert_eq!(registration.delete(&world).await.status, 503);
    assert_eq!(registration.client.whoami(tokens.access()).await.status, 401);
    assert_eq!(registration.client.refresh(tokens.refresh(), &[]).await.error(), "invalid_grant");
    assert_eq!(registration.read(&world).await.status, 200);
    world.sql("DROP TRIGGER stuck").await;
    assert_eq!(registration.delete(&world).await.status, 204);
}

/// No oracle: a wrong token, a client that is gone, one that never was, and one that never registered itself.
#[tokio::test]
async fn whoever_lacks_the_token_learns_and_changes_nothing() {
    let world = World::with(
        "[[clients.preregistered]]\nid = \"configured\"\nsecret = \"0123456789abcdef\"\n\
         redirect_uris = [\"https://client.example/callback\"]\n",
    )
    .await;
    let own = register(&world, json!({ "token_endpoint_auth_method": "client_secret_post" })).await;
    let document = "INSERT INTO clients (id, origin, metadata, secret_hash, created_at, updated_at) \
                    SELECT 'https', 'document', metadata, '', 1, 1 FROM clients";
    world.sql(document).await;
    let other = register(&world, json!({})).await;
    let before = json_of(&own.read(&world).await);
    let secret = own.client.secret.clone().expect("a secret");
    let gone = register(&world, json!({})).await;
    assert_eq!(gone.delete(&world).await.status, 204);

    let mut answers = Vec::new();
    for (path, token) in [
        (own.path.as_str(), other.token.as_str()),
        (&own.path, "ja1_x"),
        (&own.path, &own.token[..46]),
        (&own.path, &secret),
        (&gone.path, &gone.token),
        ("/oauth/register/jci_unknown", &own.token),
        ("/oauth/register/configured", "0123456789abcdef"),
        ("/oauth/register/https", &own.token),
        ("/oauth/register/%00", &own.token),
        ("/oauth/register/%ff", &own.token),
    ] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let body = if method == Method::PUT { own.request(json!({})) } else { Value::Null };
            let page = send(&world, &format!("{method} {path}"), Some(token), &body).await;
            assert_refused(&page);
            answers.push((page.body, header_of(&page.headers, "www-authenticate").to_owned()));
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let page = send(&world, &format!("{method} {}", own.path), None, &Value::Null).await;
        assert_refused(&page);
        let challenge = header_of(&page.headers, "www-authenticate").to_owned();
        assert!(!challenge.contains("error="), "RFC 6750 section 3.1: no token, no error: {challenge}");
        let basic = world.send(&format!("{method} {}", own.path), &[("authorization", "Basic eDp5")], "").await;
        assert_refused(&basic);
    }
    for malformed in ["", "a b"] {
        let page = send(&world, &format!("DELETE {}", own.path), Some(malformed), &Value::Null).await;
        assert_eq!((page.status.as_u16(), &json_of(&page)["error"]), (400, &json!("invalid_request")), "{page:?}");
    }
    assert_eq!(json_of(&own.read(&world).await), before);
    world.tokens_for(&own.client, &[]).await;
}

#[tokio::test]
async fn a_token_in_the_query_or_the_body_is_none() {
    let world = World::new().await;
    let own = register(&world, json!({})).await;
    let path = format!("{}?access_token={}", own.path, own.token);
    assert_refused(&send(&world, &format!("GET {path}"), None, &Value::Null).await);
    let request = own.request(json!({ "access_token": own.token }));
    assert_refused(&send(&world, &format!("PUT {}", own.path), None, &request).await);
    let page =
        world.send(&format!("POST {}", own.path), &[("authorization", &format!("Bearer {}", own.token))], "").await;
    assert_eq!(page.status, 405);
}

/// RFC 9110 section 11.1: the scheme's case does not count. Scripts of other sites may call it, as they may register.
#[tokio::test]
async fn a_script_may_manage_its_registration() {
    let world = World::new().await;
    let own = register(&world, json!({})).await;
    let authorization = format!("bearer {}", own.token);
    let headers = [("authorization", authorization.as_str()), ("origin", "https://inspector.example")];
    let page = world.send(&format!("GET {}", own.path), &headers, "").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(header_of(&page.headers, "access-control-allow-origin"), "*");
    for method in ["GET", "PUT", "DELETE"] {
        let headers = [
            ("origin", "https://inspector.example"),
            ("access-control-request-method", method),
            ("access-control-request-headers", "authorization,content-type"),
        ];
        let page = world.send(&format!("OPTIONS {}", own.path), &headers, "").await;
        assert!(header_of(&page.headers, "access-control-allow-methods").contains(method), "{:?}", page.headers);
        assert!(header_of(&page.headers, "access-control-allow-headers").contains("authorization"));
    }
}

/// Turning registration off keeps newcomers out, and takes nothing from those that are there.
#[tokio::test]
async fn an_existing_registration_is_managed_while_registration_is_off() {
    let mut world = World::new().await;
    let own = register(&world, json!({})).await;
    let config = world.config.clone() + "\n[clients]\nregistration = false\n";
    world.jean = world.start(&config).await.expect("jean starts");
    world.router = world.jean.service();
    let page = world.stranger().post_json("/oauth/register", &own.client.metadata()).await;
    assert_eq!(json_of(&page)["error"], "access_denied", "{}", page.body);
    assert_eq!(own.read(&world).await.status, 200);
    assert_eq!(own.update(&world, json!({ "client_name": "New" })).await.status, 200);
    assert_eq!(own.delete(&world).await.status, 204);
}

/// An update beside a deletion: the client is gone afterwards, whichever was first, with nothing left of it.
#[tokio::test]
async fn an_update_that_races_a_deletion_leaves_no_ghost() {
    for db in BOTH {
        let world = World::on(db, "").await;
        for round in 0..8 {
            let own = register(&world, json!({})).await;
            let (client, tokens) = (&own.client, world.tokens_for(&own.client, &[]).await);
            let method = json!({ "token_endpoint_auth_method": "client_secret_basic" });
            let (update, delete, again, refreshed) = tokio::join!(
                own.update(&world, method),
                own.delete(&world),
                own.delete(&world),
                client.refresh(tokens.refresh(), &[]),
            );
            for page in [update, delete, again] {
                assert!(matches!(page.status.as_u16(), 200 | 204 | 401 | 503), "{db:?}: {page:?}");
            }
            let _ = own.delete(&world).await;
            assert_refused(&own.read(&world).await);
            assert_eq!(client.whoami(tokens.access()).await.status, 401, "{db:?}, round {round}");
            if refreshed.status == 200 {
                assert_eq!(client.whoami(refreshed.access()).await.status, 401, "{db:?}, round {round}");
            }
        }
        let mut database = world.database().await;
        assert_eq!(database.number("SELECT COUNT(*) FROM clients").await, 0, "{db:?}");
        assert_eq!(database.number("SELECT COUNT(*) FROM grants WHERE revoked_at = 0").await, 0, "{db:?}");
        assert_eq!(database.number("SELECT COUNT(*) FROM consents").await, 0, "{db:?}");
    }
}

/// Two that turn a public client into one with a secret: one secret is told, and it is the one that works.
#[tokio::test]
async fn two_updates_at_once_tell_one_secret() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let own = register(&world, json!({})).await;
        let method = json!({ "token_endpoint_auth_method": "client_secret_post" });
        let answers = tokio::join!(own.update(&world, method.clone()), own.update(&world, method.clone()));
        let told: Vec<String> = [&answers.0, &answers.1]
            .into_iter()
            .filter(|page| page.status == 200)
            .filter_map(|page| json_of(page)["client_secret"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(told.len(), 1, "{db:?}: {answers:?}");
        let mut client = own.client.clone();
        client.auth_method = "client_secret_post".to_owned();
        client.secret = told.first().cloned();
        world.tokens_for(&client, &[]).await;
    }
}
