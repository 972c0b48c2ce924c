//! An [`Upstream`] against an [`Issuer`] that misbehaves, over HTTP on loopback.

use std::sync::Arc;
use std::time::Duration;

use jean_testing::issuer::{Account, Algorithm, Fault, Issuer, IssuerOptions};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::clock::{Clock as _, ManualClock};
use crate::upstream::http::http_client;
use crate::upstream::library::TokenError;

const CALLBACK: &str = "http://localhost:8080/oauth/callback/test";

struct Fixture {
    clock: Arc<ManualClock>,
    issuer: Issuer,
    upstream: Upstream,
}

/// The provider's clock: the seconds of ours.
fn seconds_of(clock: &Arc<ManualClock>) -> impl Fn() -> i64 + Send + Sync + 'static {
    let clock = clock.clone();
    move || clock.now().0
}

impl Fixture {
    async fn new() -> Self {
        Fixture::with(|_| {}, |_| {}).await
    }

    async fn with(change: impl FnOnce(&mut IssuerOptions), settings: impl FnOnce(&mut UpstreamSettings)) -> Self {
        let fixture = Fixture::undiscovered(change, settings).await;
        fixture.upstream.discover().await.unwrap();
        fixture
    }

    async fn undiscovered(
        change: impl FnOnce(&mut IssuerOptions),
        settings: impl FnOnce(&mut UpstreamSettings),
    ) -> Self {
        let clock = Arc::new(ManualClock::new(UnixTime(1_800_000_000)));
        let mut options = IssuerOptions::new(seconds_of(&clock));
        options.redirect_uris = vec![CALLBACK.into()];
        change(&mut options);
        let issuer = Issuer::start(options).await.unwrap();
        issuer.sign_in_as(Account::named("Ada"));
        let upstream = upstream_of(&issuer, settings);
        Fixture { clock, issuer, upstream }
    }

    /// The trip through the browser: the code of the answer.
    async fn authorize(&self, attempt: &Attempt) -> String {
        let url = self.upstream.authorization_url(attempt).unwrap();
        let answer = http_client("http://127.0.0.1").unwrap().get(url).send().await.unwrap();
        let location = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let param =
            |name: &str| location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert_eq!(param("state").unwrap(), attempt.state);
        self.upstream.verify_iss(param("iss").as_deref()).await.unwrap();
        param("code").unwrap()
    }

    async fn log_in(&self, attempt: &Attempt) -> Result<Identity, Error> {
        let code = self.authorize(attempt).await;
        self.upstream.exchange(&code, attempt, self.clock.now()).await
    }

    /// A login whose code is exchanged while the issuer misbehaves.
    async fn log_in_despite(&self, fault: Fault) -> Result<Identity, Error> {
        let code = self.authorize(&attempt()).await;
        self.issuer.misbehave(fault);
        let outcome = self.upstream.exchange(&code, &attempt(), self.clock.now()).await;
        self.issuer.misbehave(None);
        outcome
    }

    async fn log_in_as(&self, account: Account) -> Result<Identity, Error> {
        self.issuer.sign_in_as(account);
        self.log_in(&attempt()).await
    }

    fn count(&self, path: &str) -> usize {
        self.issuer.requests_to(path).len()
    }
}

fn upstream_of(issuer: &Issuer, change: impl FnOnce(&mut UpstreamSettings)) -> Upstream {
    let mut settings = UpstreamSettings {
        name: "test".into(),
        label: "Test".into(),
        kind: UpstreamKind::Oidc,
        issuer: issuer.url().into(),
        client_id: issuer.client_id().into(),
        client_secret: Some(SecretString::from(issuer.client_secret())),
        scopes: ["openid", "email", "profile"].map(String::from).to_vec(),
        hosted_domain: None,
    };
    change(&mut settings);
    Upstream::new(settings, CALLBACK.into(), http_client("http://127.0.0.1").unwrap())
}

fn attempt() -> Attempt {
    Attempt {
        state: "the-state".into(),
        nonce: "the-nonce".into(),
        pkce_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
        select_account: false,
        login: None,
        max_age: None,
    }
}

/// The kind of an outcome and its text, for a table.
fn told(outcome: &Result<Identity, Error>) -> String {
    match outcome {
        Ok(identity) => format!("signed in: {}", identity.sub),
        Err(error @ Error::Unreachable { .. }) => format!("unreachable: {}", with_causes(error)),
        Err(error @ Error::Refused { .. }) => format!("refused: {}", with_causes(error)),
        Err(error @ Error::Invalid { .. }) => format!("invalid: {}", with_causes(error)),
        Err(error @ Error::UndatedSignIn) => format!("undated: {error}"),
        Err(error @ Error::OldSignIn { .. }) => format!("too old: {error}"),
        Err(error @ Error::NotFresh { .. }) => format!("not fresh: {error}"),
    }
}

#[tokio::test]
async fn a_person_signs_in() {
    let fixture = Fixture::new().await;
    let identity = fixture.log_in(&attempt()).await.unwrap();
    let expected = Identity {
        issuer: fixture.issuer.url().into(),
        sub: "ada".into(),
        email: Some("ada@example.com".into()),
        email_verified: true,
        name: Some("Ada".into()),
        google: None,
        auth_time: Some(fixture.clock.now()),
        sid: None,
    };
    assert_eq!(identity, expected);
    assert_eq!(fixture.upstream.health(), Health::Answers);
    assert_eq!(fixture.count("/userinfo"), 0, "the ID token says it all");
}

#[tokio::test]
async fn every_broken_rule_is_noticed() {
    let fixture = Fixture::new().await;
    let table = [
        (Fault::WrongNonce, "invalid: the id_token is not valid: Invalid nonce: nonce mismatch"),
        (Fault::NoNonce, "invalid: the id_token is not valid: Invalid nonce: missing"),
        (Fault::WrongAudience, "invalid: the id_token is not valid: Invalid audiences: must contain `jean`"),
        (Fault::ExtraAudienceWithoutAzp, "invalid: the id_token is not valid: Invalid audiences: there are several"),
        (Fault::ExtraAudienceWithWrongAzp, "invalid: the id_token is not valid: Invalid audiences: azp is"),
        (Fault::WrongIssuer, "invalid: the id_token is not valid: Invalid issuer"),
        (Fault::Expired, "invalid: the id_token is not valid: Expired: ID token expired"),
        (Fault::IssuedInFuture, "invalid: the id_token is not valid: Expired: issued at"),
        (Fault::AlgNone, "invalid: the id_token is not valid: Signature verification failed: No signature"),
        (Fault::WrongSignature, "invalid: the id_token is not valid: Signature verification failed: Crypto error"),
        (Fault::Hs256WithPublicKey, "invalid: the id_token is not valid: Signature verification failed: Disallowed"),
        (Fault::Hs256WithClientSecret, "invalid: the id_token is not valid: Signature verification failed: Disallowed"),
        (Fault::UnknownKey, "invalid: the id_token is not valid: Signature verification failed: No matching key"),
        (Fault::EmptySubject, "invalid: the id_token is not valid: Invalid subject: sub is empty"),
        (Fault::ValidInFuture, "invalid: the id_token is not valid: valid from 18000"),
        (Fault::TokenType("mac".into()), "invalid: the answer's token_type is not Bearer"),
        (Fault::NoIdToken, "invalid: the answer carries no id_token"),
        (Fault::UnknownKeyTypeInJwks, "signed in: ada"),
        (Fault::EmailOnlyAtUserinfo, "signed in: ada"),
        (Fault::OtherSubjectAtUserinfo, "signed in: ada"),
        (Fault::UserinfoDown, "signed in: ada"),
        (Fault::TokenError("invalid_grant".into()), "refused: the token endpoint answered \"invalid_grant\""),
        (Fault::TokenError("invalid_client".into()), "refused: the token endpoint answered \"invalid_client\""),
        (Fault::TokenError("\u{1b}[31mnews".into()), "refused: the token endpoint answered \"\\u{1b}[31mnews\""),
        (Fault::TokenError("temporarily_unavailable".into()), "unreachable: the token endpoint cannot be reached"),
        (Fault::Down, "unreachable: http://127.0.0.1"),
        (Fault::HugeBody, "invalid: http://127.0.0.1"),
        (Fault::NotJson, "invalid: the token endpoint's answer cannot be read"),
        (Fault::Redirects, "invalid: http://127.0.0.1"),
        // These break nothing that the exchange looks at.
        (Fault::WrongIssuerInDiscovery, "signed in: ada"),
        (Fault::InsecureEndpointInDiscovery, "signed in: ada"),
        (Fault::WrongIssuerInCallback, "signed in: ada"),
        (Fault::AuthorizeError("access_denied".into(), "<b>no</b>".into()), "signed in: ada"),
    ];
    for (fault, expected) in table {
        fixture.clock.advance(60);
        let outcome = told(&fixture.log_in_despite(fault.clone()).await);
        assert!(outcome.starts_with(expected), "{fault:?}: {outcome}");
    }
    assert_eq!(fixture.count("/elsewhere"), 0, "a redirect was followed");
    assert_eq!(told(&fixture.log_in(&attempt()).await), "signed in: ada");
}

#[tokio::test]
async fn a_request_handler_may_await_every_method() {
    fn is_send(_: impl Send) {}
    let (fixture, attempt) = (Fixture::new().await, attempt());
    is_send(fixture.upstream.discover());
    is_send(fixture.upstream.exchange("code", &attempt, fixture.clock.now()));
}

#[tokio::test]
async fn a_slow_upstream_is_given_up() {
    let mut fixture = Fixture::new().await;
    fixture.upstream.http.timeout = Duration::from_millis(100);
    let outcome = fixture.log_in_despite(Fault::Slow(Duration::from_secs(5))).await;
    assert!(matches!(outcome, Err(Error::Unreachable { .. })), "{}", told(&outcome));
}

#[tokio::test]
async fn nobody_waits_for_the_slow_login_of_another() {
    let fixture = Fixture::new().await;
    let code = fixture.authorize(&attempt()).await;
    fixture.issuer.misbehave(Fault::Slow(Duration::from_millis(300)));
    let attempt = attempt();
    let slow = fixture.upstream.exchange(&code, &attempt, fixture.clock.now());
    let quick = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        fixture.upstream.authorization_url(&attempt).unwrap();
        assert!(fixture.upstream.is_answering());
        fixture.issuer.misbehave(None);
        fixture.upstream.discover().await.unwrap();
        fixture.upstream.keys_fetched.try_lock().is_ok()
    };
    let (slow, quick) = tokio::join!(slow, quick);
    assert!(quick);
    slow.unwrap();
}

#[tokio::test]
async fn a_bad_discovery_document_is_refused_and_the_last_good_one_stays() {
    let mut fixture = Fixture::undiscovered(|_| {}, |_| {}).await;
    fixture.upstream.http.timeout = Duration::from_millis(500);
    let undiscovered = fixture.upstream.authorization_url(&attempt()).unwrap_err();
    assert!(with_causes(&undiscovered).contains("has not been asked"), "{undiscovered:?}");
    assert_eq!(fixture.upstream.health(), Health::Unasked);
    let table = [
        (Fault::Down, "it answered 500"),
        (Fault::WrongIssuerInDiscovery, "unexpected issuer URI"),
        (Fault::InsecureEndpointInDiscovery, "http://idp.example/token is not safe"),
        (Fault::HugeBody, "more than 1048576 bytes"),
        (Fault::NotJson, "Unexpected response Content-Type"),
        (Fault::Redirects, "redirect, which is not followed"),
        (Fault::Slow(Duration::from_secs(5)), "cannot be reached"),
    ];
    for discovered_before in [false, true] {
        for (fault, expected) in &table {
            fixture.issuer.misbehave(fault.clone());
            let failure = with_causes(&fixture.upstream.discover().await.unwrap_err());
            assert!(failure.contains(expected), "{fault:?}: {failure}");
            assert_eq!(fixture.upstream.health(), Health::Away);
            assert_eq!(fixture.upstream.authorization_url(&attempt()).is_ok(), discovered_before);
        }
        fixture.issuer.misbehave(Fault::UnknownKeyTypeInJwks);
        fixture.upstream.discover().await.unwrap();
        assert_eq!(fixture.upstream.health(), Health::Answers);
    }
    fixture.issuer.misbehave(None);
    assert_eq!(told(&fixture.log_in(&attempt()).await), "signed in: ada");
}

#[tokio::test]
async fn an_upstream_that_comes_back_is_found_again() {
    let fixture = Fixture::new().await;
    let code = fixture.authorize(&attempt()).await;
    let address = fixture.issuer.url().trim_start_matches("http://").parse().unwrap();
    let (clock, upstream) = (fixture.clock, fixture.upstream);
    drop(fixture.issuer);
    let refused = upstream.discover().await;
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
    let refused = upstream.exchange(&code, &attempt(), clock.now()).await;
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
    let options = IssuerOptions { listen: address, ..IssuerOptions::new(seconds_of(&clock)) };
    let mut issuer = Issuer::start(options.clone()).await;
    for _ in 0..50 {
        if issuer.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        issuer = Issuer::start(options.clone()).await;
    }
    let _issuer = issuer.unwrap();
    upstream.discover().await.unwrap();
    assert_eq!(upstream.health(), Health::Answers);
}

#[tokio::test]
async fn a_login_that_began_before_a_restart_is_finished_after_it() {
    let fixture = Fixture::new().await;
    let code = fixture.authorize(&attempt()).await;
    let restarted = upstream_of(&fixture.issuer, |_| {});
    assert_eq!(told(&restarted.exchange(&code, &attempt(), fixture.clock.now()).await), "signed in: ada");
}

#[tokio::test]
async fn only_https_or_loopback_is_ever_asked() {
    for issuer in ["http://idp.example", "ftp://127.0.0.1", "http://127.0.0.1.idp.example", "not a url"] {
        let fixture = Fixture::undiscovered(|_| {}, |settings| settings.issuer = issuer.into()).await;
        let outcome = fixture.upstream.discover().await;
        assert!(matches!(outcome, Err(Error::Invalid { .. })), "{issuer}: {outcome:?}");
    }
}

#[tokio::test]
async fn the_issuer_is_compared_to_the_last_slash() {
    let fixture = Fixture::undiscovered(|_| {}, |settings| settings.issuer.push('/')).await;
    let outcome = fixture.upstream.discover().await;
    assert!(matches!(outcome, Err(Error::Invalid { .. })), "{outcome:?}");
    assert_eq!(fixture.issuer.requests()[0].path, "/.well-known/openid-configuration", "one slash, not two");
}

#[tokio::test]
async fn a_rotated_key_is_fetched_once_for_all_who_wait_for_it() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.count("/jwks"), 1);
    fixture.issuer.rotate_key();
    let attempt = attempt();
    // Requests that began in another second than the one that fetches are no reason to fetch again.
    let log_in = async |earlier: i64| {
        let code = fixture.authorize(&attempt).await;
        fixture.upstream.exchange(&code, &attempt, UnixTime(fixture.clock.now().0 - earlier)).await
    };
    let outcomes = tokio::join!(log_in(3), log_in(2), log_in(1), log_in(0));
    for outcome in [outcomes.0, outcomes.1, outcomes.2, outcomes.3] {
        assert_eq!(told(&outcome), "signed in: ada");
    }
    assert_eq!(fixture.count("/jwks"), 2);
    fixture.log_in(&attempt).await.unwrap();
    assert_eq!(fixture.count("/jwks"), 2);
}

#[tokio::test]
async fn unknown_keys_make_us_fetch_the_key_set_every_ten_seconds_at_most() {
    let fixture = Fixture::new().await;
    for (advance, fetched) in [(0, 2), (0, 2), (9, 2), (1, 3), (5, 3), (-60, 4), (60, 5)] {
        fixture.clock.advance(advance);
        let outcome = fixture.log_in_despite(Fault::UnknownKey).await;
        assert!(matches!(outcome, Err(Error::Invalid { .. })), "{}", told(&outcome));
        assert_eq!(fixture.count("/jwks"), fetched, "after {advance} s more");
    }
    for fault in [Fault::AlgNone, Fault::Hs256WithPublicKey, Fault::Expired] {
        fixture.clock.advance(60);
        fixture.log_in_despite(fault).await.unwrap_err();
        assert_eq!(fixture.count("/jwks"), 5);
    }
}

#[tokio::test]
async fn an_id_token_may_be_signed_with_four_algorithms() {
    let algorithms = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Ps256, Algorithm::Rs512];
    for algorithm in algorithms {
        let fixture = Fixture::with(|options| options.algorithm = algorithm, |_| {}).await;
        let outcome = told(&fixture.log_in(&attempt()).await);
        let expected = match algorithm {
            Algorithm::Rs512 => "invalid: the id_token is not valid: Signature verification failed: Disallowed",
            _ => "signed in: ada",
        };
        assert!(outcome.starts_with(expected), "{algorithm:?}: {outcome}");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    let fixture = Fixture::new().await;
    for (ahead, good) in [(-61, false), (-60, true), (0, true), (3659, true), (3660, false)] {
        let code = fixture.authorize(&attempt()).await;
        let now = UnixTime(fixture.clock.now().0 + ahead);
        let outcome = fixture.upstream.exchange(&code, &attempt(), now).await;
        assert_eq!(outcome.is_ok(), good, "{ahead}: {}", told(&outcome));
    }
}

#[tokio::test]
async fn an_email_is_verified_only_by_true() {
    let fixture = Fixture::new().await;
    let table = [
        (Some(json!(true)), Some(true)),
        (Some(json!("true")), Some(true)),
        (Some(json!(false)), Some(false)),
        (Some(json!("false")), Some(false)),
        (Some(Value::Null), Some(false)),
        (None, Some(false)),
        // What is no boolean at all makes the whole token unreadable.
        (Some(json!(1)), None),
        (Some(json!("TRUE")), None),
        (Some(json!(["true"])), None),
    ];
    for (claim, expected) in table {
        let account = Account { email_verified: claim.clone(), ..Account::named("Ada") };
        let outcome = fixture.log_in_as(account).await;
        assert_eq!(outcome.as_ref().ok().map(|identity| identity.email_verified), expected, "{claim:?}");
    }
    let account = Account { email: None, ..Account::named("Ada") };
    assert!(!fixture.log_in_as(account).await.unwrap().email_verified, "there is no email to be verified");
}

#[tokio::test]
async fn an_email_that_the_id_token_lacks_comes_from_userinfo_of_the_same_person() {
    let fixture = Fixture::new().await;
    let email = Some("ada@example.com".to_owned());
    let table = [
        (Fault::EmailOnlyAtUserinfo, email, true),
        (Fault::OtherSubjectAtUserinfo, None, false),
        (Fault::UserinfoDown, None, false),
    ];
    for (fault, email, verified) in table {
        let identity = fixture.log_in_despite(fault.clone()).await.unwrap();
        assert_eq!((identity.email, identity.email_verified), (email, verified), "{fault:?}");
    }
}

#[tokio::test]
async fn claims_of_an_odd_shape_do_not_keep_a_person_out() {
    let fixture = Fixture::new().await;
    let account = Account::named("Ada")
        .with("updated_at", "2026-01-02T03:04:05.678Z")
        .with("hd", json!(["example.com"]))
        .with("sid", "the-session")
        .with("groups", json!({ "a": 1 }))
        .with("name#fr", "Ada la comtesse");
    let identity = fixture.log_in_as(account).await.unwrap();
    assert_eq!((identity.google, identity.sid.as_deref()), (None, Some("the-session")));
    let account = Account { name: None, ..Account::named("Ada") }.with("name#fr", "Ada la comtesse");
    assert_eq!(fixture.log_in_as(account).await.unwrap().name.as_deref(), Some("Ada la comtesse"));
    let account = Account::named("Ada").with("aud", json!(["jean", "another"])).with("azp", "jean");
    assert_eq!(told(&fixture.log_in_as(account).await), "signed in: ada");
}

#[tokio::test]
async fn google_is_told_which_hosted_domain_is_wanted() {
    let google = |settings: &mut UpstreamSettings| {
        settings.kind = UpstreamKind::Google;
        settings.hosted_domain = Some("example.com".into());
    };
    let fixture = Fixture::with(|_| {}, google).await;
    let url = fixture.upstream.authorization_url(&attempt()).unwrap();
    assert!(url.contains("&hd=example.com"), "{url}");
}

#[tokio::test]
async fn max_age_is_held_against_auth_time() {
    let fixture = Fixture::new().await;
    let now = fixture.clock.now().0;
    let within = Attempt { max_age: Some(300), ..attempt() };
    for (auth_time, expected) in [
        (json!(now), "signed in: ada"),
        (json!(now - 360), "signed in: ada"),
        (json!(now - 361), "too old: the person signed in at"),
        (Value::Null, "undated: the id_token lacks auth_time"),
    ] {
        fixture.issuer.sign_in_as(Account::named("Ada").with("auth_time", auth_time.clone()));
        let outcome = told(&fixture.log_in(&within).await);
        assert!(outcome.starts_with(expected), "{auth_time}: {outcome}");
        assert_eq!(told(&fixture.log_in(&attempt()).await), "signed in: ada", "nobody asked for an age");
    }
    let asked = fixture.issuer.requests_to("/authorize");
    assert_eq!(asked[0].parameter("max_age"), Some("300"));
}

#[tokio::test]
async fn an_authorization_request_carries_what_binds_it_and_no_resource() {
    let fixture = Fixture::new().await;
    fixture.log_in(&attempt()).await.unwrap();
    let request = &fixture.issuer.requests_to("/authorize")[0];
    let mut parameters: Vec<(&str, &str)> =
        request.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    parameters.sort_unstable();
    let expected = [
        ("client_id", "jean"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
        ("nonce", "the-nonce"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email profile"),
        ("state", "the-state"),
    ];
    assert_eq!(parameters, expected);
    let request = &fixture.issuer.requests_to("/token")[0];
    let mut names: Vec<&str> = request.parameters.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["code", "code_verifier", "grant_type", "redirect_uri"]);
}

#[tokio::test]
async fn each_upstream_is_prompted_in_words_that_it_knows() {
    let table = [
        (UpstreamKind::Oidc, false, false, None),
        (UpstreamKind::Oidc, true, false, Some("select_account")),
        (UpstreamKind::Oidc, false, true, Some("login")),
        (UpstreamKind::Oidc, true, true, Some("login")),
        (UpstreamKind::Google, false, true, Some("select_account")),
        (UpstreamKind::Auth0, true, false, Some("login")),
    ];
    for (kind, select_account, login, expected) in table {
        let fixture = Fixture::with(|_| {}, |settings| settings.kind = kind).await;
        let since = login.then(|| fixture.clock.now());
        fixture.authorize(&Attempt { select_account, login: since, ..attempt() }).await;
        let request = &fixture.issuer.requests_to("/authorize")[0];
        assert_eq!(request.parameter("prompt"), expected, "{kind:?}, {select_account}, {login}");
        let asks_for_auth_time = login && kind != UpstreamKind::Google;
        assert_eq!(request.parameter("max_age").is_some(), asks_for_auth_time, "{kind:?}, {login}");
    }
}

#[tokio::test]
async fn the_secret_is_sent_in_the_way_that_the_upstream_takes() {
    let (basic, post) = ("client_secret_basic", "client_secret_post");
    // Advertised, accepted, and how many token requests the first login and the second one take.
    let table = [
        (vec![], vec![basic], Some((1, 1))),
        (vec![basic], vec![basic], Some((1, 1))),
        (vec![post], vec![post], Some((1, 1))),
        (vec![basic, post], vec![basic], Some((1, 1))),
        (vec![basic, post], vec![post], Some((2, 1))),
        (vec!["private_key_jwt"], vec![basic], Some((1, 1))),
        (vec![basic], vec![post], None),
    ];
    for (advertised, accepted, expected) in table {
        let case = format!("{advertised:?} {accepted:?}");
        let change = |options: &mut IssuerOptions| {
            options.client_id = "jean at work".into();
            options.client_secret = Some("p%2B a:s+s/\u{e9}".into());
            (options.advertised_methods, options.accepted_methods) = (advertised, accepted);
        };
        let fixture = Fixture::with(change, |_| {}).await;
        let Some((first, second)) = expected else {
            let outcome = fixture.log_in(&attempt()).await;
            assert!(matches!(outcome, Err(Error::Refused { .. })), "{case}: {}", told(&outcome));
            continue;
        };
        assert_eq!(told(&fixture.log_in(&attempt()).await), "signed in: ada", "{case}");
        assert_eq!(fixture.count("/token"), first, "{case}");
        assert_eq!(told(&fixture.log_in(&attempt()).await), "signed in: ada", "{case}");
        assert_eq!(fixture.count("/token"), first + second, "{case}");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_refused_in_the_upstreams_words() {
    let fixture = Fixture::with(|_| {}, |settings| settings.client_secret = Some("wrong".into())).await;
    assert_eq!(told(&fixture.log_in(&attempt()).await), "refused: the token endpoint answered \"invalid_client\"");
    assert_eq!(fixture.count("/token"), 2);
}

#[test]
fn supabase_names_its_errors_in_another_form() {
    let text = r#"{"code":400,"error_code":"invalid_credentials","msg":"client is registered for another method"}"#;
    let error: Error = serde_json::from_str::<TokenError>(text).unwrap().into();
    assert!(refuses_client(&Err::<(), _>(error)));
    let error: Error = serde_json::from_str::<TokenError>("{}").unwrap().into();
    assert!(matches!(error, Error::Invalid { .. }));
}

#[tokio::test]
async fn a_code_works_once_and_only_with_its_verifier() {
    let fixture = Fixture::new().await;
    let refused = "refused: the token endpoint answered \"invalid_grant\"";
    let code = fixture.authorize(&attempt()).await;
    let stolen = Attempt { pkce_verifier: "a".repeat(43), ..attempt() };
    assert_eq!(told(&fixture.upstream.exchange(&code, &stolen, fixture.clock.now()).await), refused);
    let code = fixture.authorize(&attempt()).await;
    assert_eq!(told(&fixture.upstream.exchange(&code, &attempt(), fixture.clock.now()).await), "signed in: ada");
    assert_eq!(told(&fixture.upstream.exchange(&code, &attempt(), fixture.clock.now()).await), refused);
}

/// RFC 9207 section 2.4. A process that has just started has to read what the upstream promises before it can judge.
#[tokio::test]
async fn an_answer_without_iss_is_refused_if_the_metadata_promises_one() {
    let fixture = Fixture::undiscovered(|_| {}, |_| {}).await;
    let refused = fixture.upstream.verify_iss(None).await.unwrap_err();
    assert!(refused.to_string().contains("Exclude Issuer From Authentication Response"), "{refused}");
    assert!(fixture.upstream.verify_iss(Some("https://idp.example")).await.is_err());
    assert!(fixture.upstream.verify_iss(Some(fixture.issuer.url())).await.is_ok());
}

#[tokio::test]
async fn a_new_sign_in_is_one_that_the_id_token_dates_after_the_request() {
    let fixture = Fixture::new().await;
    let now = fixture.clock.now();
    let again = Attempt { login: Some(now), ..attempt() };
    for (auth_time, expected) in [
        (json!(now.0), "signed in: ada"),
        (json!(now.0 - 60), "signed in: ada"),
        (json!(now.0 - 61), "not fresh: the id_token does not show a sign-in since"),
        (Value::Null, "not fresh: the id_token does not show a sign-in since"),
    ] {
        fixture.issuer.sign_in_as(Account::named("Ada").with("auth_time", auth_time.clone()));
        let outcome = told(&fixture.log_in(&again).await);
        assert!(outcome.starts_with(expected), "{auth_time}: {outcome}");
        assert_eq!(told(&fixture.log_in(&attempt()).await), "signed in: ada", "nobody asked for a new one");
    }
}

#[tokio::test]
async fn an_account_at_google_is_of_a_workspace_or_anybodys() {
    let fixture = Fixture::with(|_| {}, |settings| settings.kind = UpstreamKind::Google).await;
    let workspace = |domain: &str| Some(GoogleAccount::Workspace(domain.into()));
    for (hd, expected) in [
        (json!("example.com"), workspace("example.com")),
        (json!(""), Some(GoogleAccount::Consumer)),
        (json!(["example.com"]), Some(GoogleAccount::Consumer)),
        (Value::Null, Some(GoogleAccount::Consumer)),
    ] {
        let identity = fixture.log_in_as(Account::named("Ada").with("hd", hd.clone())).await.unwrap();
        assert_eq!(identity.google, expected, "{hd}");
    }
    let elsewhere = Fixture::new().await;
    let identity = elsewhere.log_in_as(Account::named("Ada").with("hd", "example.com")).await.unwrap();
    assert_eq!(identity.google, None, "another provider's claim of that name says nothing");
}
