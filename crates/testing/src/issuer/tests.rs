//! The issuer's pages, as a browser meets them.

use std::sync::atomic::{AtomicI64, Ordering};

use url::Url;

use super::*;

const CALLBACK: &str = "http://localhost:8080/oauth/callback/dev";

struct Browser {
    clock: Arc<AtomicI64>,
    issuer: Issuer,
    http: reqwest::Client,
    cookie: Option<String>,
}

/// What an answer says: its status, where it leads, and its body.
struct Answer {
    status: u16,
    location: Option<Url>,
    headers: reqwest::header::HeaderMap,
    body: String,
}

impl Answer {
    fn param(&self, name: &str) -> Option<String> {
        let location = self.location.as_ref()?;
        location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

impl Browser {
    async fn new() -> Self {
        let clock = Arc::new(AtomicI64::new(1_800_000_000));
        let time = clock.clone();
        let options = IssuerOptions {
            redirect_uris: vec![CALLBACK.into()],
            ..IssuerOptions::new(move || time.load(Ordering::Relaxed))
        };
        Browser {
            clock,
            issuer: Issuer::start(options).await.unwrap(),
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .tls_certs_only([])
                .build()
                .unwrap(),
            cookie: None,
        }
    }

    /// The authorization request's address, with some parameters changed or, where empty, left out.
    fn address(&self, changes: &[(&str, &str)]) -> String {
        let mut parameters = vec![
            ("client_id", "jean"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid email"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ];
        parameters.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        parameters.extend(changes);
        let mut url = Url::parse(&format!("{}/authorize", self.issuer.url())).unwrap();
        url.query_pairs_mut().extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
        url.into()
    }

    async fn get(&mut self, changes: &[(&str, &str)]) -> Answer {
        let request = self.http.get(self.address(changes));
        self.send(request).await
    }

    async fn submit(&mut self, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(self.address(&[])).body(body);
        self.send(request).await
    }

    async fn send(&mut self, mut request: reqwest::RequestBuilder) -> Answer {
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("other=1; {cookie}"));
        }
        let response = request.send().await.unwrap();
        let headers = response.headers().clone();
        if let Some(cookie) = headers.get("set-cookie") {
            self.cookie = cookie.to_str().unwrap().split(';').next().map(str::to_owned);
        }
        let location = headers.get("location").map(|to| Url::parse(to.to_str().unwrap()).unwrap());
        Answer { status: response.status().as_u16(), location, headers, body: response.text().await.unwrap() }
    }
}

#[tokio::test]
async fn anyone_who_types_a_name_is_signed_in_and_remembered() {
    let mut browser = Browser::new().await;
    let page = browser.get(&[]).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<form method=\"post\" action=\"/authorize?client_id=jean"), "{}", page.body);
    let answers: Vec<_> = page.body.split("name=\"answer\" value=\"").skip(1).collect();
    assert!(
        answers.len() == 2 && answers[0].starts_with("sign-in\"") && answers[1].starts_with("cancel\""),
        "{}",
        page.body
    );
    let answer = browser.submit(&[("name", "Ada Lovelace"), ("email", ""), ("answer", "sign-in")]).await;
    assert_eq!(answer.status, 303);
    assert!(answer.param("code").is_some());
    assert_eq!(answer.param("state").as_deref(), Some("the-state"));
    assert_eq!(answer.param("iss").as_deref(), Some(browser.issuer.url()));
    assert!(browser.cookie.as_ref().unwrap().starts_with("jean_dev_account="));

    browser.clock.fetch_add(100, Ordering::Relaxed);
    assert!(browser.get(&[]).await.param("code").is_some(), "the second time it does not ask");
    assert!(browser.get(&[("prompt", "none"), ("max_age", "100")]).await.param("code").is_some());
    for asks in [("prompt", "login"), ("prompt", "select_account"), ("prompt", "consent login"), ("max_age", "99")] {
        let page = browser.get(&[asks]).await;
        assert_eq!(page.status, 200, "{asks:?}");
        assert!(page.body.contains("value=\"Ada Lovelace\""), "{}", page.body);
    }
    let answer = browser.get(&[("prompt", "none"), ("max_age", "99")]).await;
    assert_eq!(answer.param("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn cancel_answers_access_denied() {
    let mut browser = Browser::new().await;
    let answer = browser.submit(&[("name", "Ada"), ("answer", "cancel")]).await;
    assert_eq!(answer.param("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.param("state").as_deref(), Some("the-state"));
    assert_eq!(browser.cookie, None);
}

#[tokio::test]
async fn an_unknown_client_or_redirect_uri_is_never_redirected_to() {
    let mut browser = Browser::new().await;
    for change in
        [("client_id", "other"), ("client_id", ""), ("redirect_uri", "http://localhost:8080/"), ("redirect_uri", "")]
    {
        let answer = browser.get(&[change]).await;
        assert_eq!((answer.status, answer.location), (400, None), "{change:?}");
    }
    browser.issuer.allow_redirect_uri("http://localhost:8080/");
    assert_eq!(browser.get(&[("redirect_uri", "http://localhost:8080/")]).await.status, 200);
}

#[tokio::test]
async fn a_request_without_what_binds_it_is_refused() {
    let mut browser = Browser::new().await;
    for change in [
        ("state", ""),
        ("nonce", ""),
        ("response_type", "token"),
        ("scope", "email"),
        ("code_challenge", ""),
        ("code_challenge_method", "plain"),
    ] {
        let answer = browser.get(&[change]).await;
        assert_eq!(answer.param("error").as_deref(), Some("invalid_request"), "{change:?}");
    }
}

#[tokio::test]
async fn what_was_typed_is_shown_again_and_never_becomes_markup() {
    let mut browser = Browser::new().await;
    for (name, email) in [("", ""), ("\"><script>", "no at sign"), (" ", "a@b")] {
        let page = browser.submit(&[("name", name), ("email", email)]).await;
        assert_eq!(page.status, 400);
        assert!(page.body.contains("role=\"alert\"") && !page.body.contains("<script"), "{}", page.body);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    }
}

#[tokio::test]
async fn an_authorize_error_comes_back_with_its_description() {
    let mut browser = Browser::new().await;
    browser.issuer.misbehave(Fault::AuthorizeError("server_error".into(), "<img src=x>".into()));
    let answer = browser.get(&[]).await;
    assert_eq!(answer.param("error").as_deref(), Some("server_error"));
    assert_eq!(answer.param("error_description").as_deref(), Some("<img src=x>"));
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let options = IssuerOptions { listen: ([0, 0, 0, 0], 0).into(), ..IssuerOptions::new(|| 0) };
    assert!(Issuer::start(options).await.is_err());
}

#[test]
fn the_same_name_is_the_same_person() {
    for (name, sub) in [("Ada", "ada"), (" Ada  Lovelace! ", "ada-lovelace"), ("x\u{0}y", "x-y")] {
        assert_eq!(Account::named(name).sub, sub);
    }
    let (wei, li) = (Account::named("\u{738b}\u{4f1f}"), Account::named("\u{674e}"));
    assert!(wei.sub.starts_with("person-") && wei.sub.is_ascii(), "{}", wei.sub);
    assert_ne!(wei.sub, li.sub);
    assert_eq!(wei, Account::named("\u{738b}\u{4f1f}"));
}
