//! The forms of the journey's pages: what a form is bound to, and which button was pressed.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::grant::{PersonId, RowId};

use super::request::AuthorizationRequest;

/// How long a journey may take.
pub(crate) const LOGIN_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// How long a form may lie open, in seconds.
const FORM_LIFETIME: i64 = 30 * 60;

/// What a form is bound to: its purpose, this browser, the person shown, this very request, and the client as it was.
pub(crate) struct Form<'a> {
    /// Which form.
    pub purpose: &'static str,
    /// The browser's own random cookie.
    pub browser: &'a str,
    /// The person shown on the page, if any.
    pub person: Option<&'a PersonId>,
    /// The authorization request.
    pub request: &'a AuthorizationRequest,
    /// The journey, where the form is on one of its pages.
    pub login: Option<RowId>,
}

impl Form<'_> {
    /// The hidden token of the form.
    pub(crate) fn token(&self, app: &App, now: UnixTime) -> String {
        let expires_at = (now.0 + FORM_LIFETIME).to_string();
        let mac = app.root.form_mac(&self.parts(&expires_at).each_ref().map(Vec::as_slice));
        format!("{expires_at}.{mac}")
    }

    /// The form, if the token was made for it and has not expired.
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
    /// The ids of the journeys that the form may begin. They are computed from its token, so that the rows themselves are
    /// the count, on all replicas and after a restart: a form that is posted again meets the ids of the journeys before, and
    /// if all are taken it begins no other. A row outlives the form, so that no id comes free before its token has
    /// expired.
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

/// Why a page is shown again in answer to a form that does not fit it.
pub(crate) const LOOK_AGAIN: &str = "This page was open for a while, or something has changed. Please look again.";

/// The button that was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pressed {
    /// Allow, by whoever is signed in; or go on as the person shown.
    Allow,
    /// Sign in at this upstream.
    Upstream(String),
    /// Use another account.
    Switch,
    /// Not at all.
    Cancel,
}

impl Pressed {
    /// Reads the value of the button.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        match value {
            "allow" | "continue" => Some(Pressed::Allow),
            "switch" => Some(Pressed::Switch),
            "cancel" => Some(Pressed::Cancel),
            _ => value.strip_prefix("upstream:").map(|name| Pressed::Upstream(name.to_owned())),
        }
    }
}
