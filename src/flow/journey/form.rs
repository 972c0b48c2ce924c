//! The forms of the journey's pages: what a form token is bound to, and which button was pressed.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::grant::{PersonId, RowId};

use super::request::AuthorizationRequest;

/// How long a journey may take.
pub(crate) const LOGIN_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// How long a form token is valid, in seconds.
const FORM_LIFETIME: i64 = 30 * 60;

/// What a form token is bound to: purpose, browser, the person shown, the request, and the client's metadata at that time.
pub(crate) struct Form<'a> {
    pub purpose: &'static str,
    /// The value of the `browser` cookie.
    pub browser: &'a str,
    /// The person shown on the page, if any.
    pub person: Option<&'a PersonId>,
    pub request: &'a AuthorizationRequest,
    /// The journey, if the form is on one of its pages.
    pub login: Option<RowId>,
}

impl Form<'_> {
    /// Makes the form's hidden token.
    pub(crate) fn token(&self, app: &App, now: UnixTime) -> String {
        let expires_at = (now.0 + FORM_LIFETIME).to_string();
        let mac = app.root.form_mac(&self.parts(&expires_at).each_ref().map(Vec::as_slice));
        format!("{expires_at}.{mac}")
    }

    /// Verifies that the token was made for this form and has not expired.
    pub(crate) fn verify(&self, app: &App, token: &str, now: UnixTime) -> Option<VerifiedForm> {
        let (expires_at, mac) = token.split_once('.')?;
        let expires: i64 = expires_at.parse().ok().filter(|at| *at > now.0)?;
        let is_genuine = app.root.verify_form_mac(&self.parts(expires_at).each_ref().map(Vec::as_slice), mac);
        is_genuine.then(|| VerifiedForm { drawn_at: UnixTime(expires - FORM_LIFETIME), mac: mac.to_owned() })
    }

    fn parts(&self, expires_at: &str) -> [Vec<u8>; 7] {
        [
            self.purpose.into(),
            self.browser.into(),
            self.person.map(PersonId::as_str).unwrap_or_default().into(),
            digest(&SHA256, self.request.raw.as_bytes()).as_ref().into(),
            self.request.client.version().as_str().into(),
            self.login.map(|id| id.to_string()).unwrap_or_default().into(),
            expires_at.into(),
        ]
    }
}

/// The most journeys that one form begins: a person who goes back and presses again needs a few.
const JOURNEYS_OF_A_FORM: u8 = 8;

/// A form whose token was verified.
pub(crate) struct VerifiedForm {
    drawn_at: UnixTime,
    mac: String,
}

impl VerifiedForm {
    /// The ids of the journeys that the form may begin. They are computed from its token, so the rows themselves are the
    /// count, on all replicas and after a restart: if the form is posted again, it gets the same ids, and if all are taken
    /// it begins no other journey. A row lives longer than the form, so no id is free again before the token has expired.
    pub(crate) fn journeys(&self) -> impl Iterator<Item = RowId> {
        (0..JOURNEYS_OF_A_FORM).map(|n| {
            let seed = digest(&SHA256, format!("{}/{n}", self.mac).as_bytes());
            let mut random = [0; 4];
            random.copy_from_slice(&seed.as_ref()[..4]);
            RowId::new(self.drawn_at, random)
        })
    }
}

const _: () = assert!(LOGIN_LIFETIME.as_secs() as i64 >= FORM_LIFETIME, "a journey's row outlives its form");

/// The notice on a page that is shown again because the form no longer matched it.
pub(crate) const OUT_OF_DATE: &str = "This page was open for a while, or something has changed. Please look again.";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pressed {
    /// Allow as the signed-in person, or continue as the person shown.
    Allow,
    /// Sign in at this upstream, for the first time or again.
    Upstream(String),
    /// Use another account at the same upstream.
    Switch,
    Cancel,
}

impl Pressed {
    pub(crate) fn parse(value: &str) -> Option<Self> {
        match value {
            "allow" | "continue" => Some(Pressed::Allow),
            "switch" => Some(Pressed::Switch),
            "cancel" => Some(Pressed::Cancel),
            _ => value.strip_prefix("upstream:").map(|name| Pressed::Upstream(name.to_owned())),
        }
    }
}
