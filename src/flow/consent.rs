//! The person's answer to the consent page, and the tokens that bind a form to the page it was drawn for.

use aws_lc_rs::digest::{SHA256, digest};

use crate::app::App;
use crate::clock::UnixTime;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::{PersonId, RowId};

use super::authorize::{self, AuthorizationRequest, Question, SignedIn};
use super::code;
use super::login::{self, Departure};

/// How long a form may lie open, in seconds.
const FORM_LIFETIME: i64 = 30 * 60;

/// What a form is bound to: its purpose, this browser, the person shown, this very request, and the client as it was.
pub struct Form<'a> {
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
    pub fn token(&self, app: &App, now: UnixTime) -> String {
        let expires_at = (now.0 + FORM_LIFETIME).to_string();
        let mac = app.root.form_mac(&self.parts(&expires_at).each_ref().map(Vec::as_slice));
        format!("{expires_at}.{mac}")
    }

    /// Whether the token was made for this form and has not expired.
    pub fn verify(&self, app: &App, token: &str, now: UnixTime) -> bool {
        let Some((expires_at, mac)) = token.split_once('.') else { return false };
        let fresh = expires_at.parse().is_ok_and(|at: i64| at > now.0);
        fresh && app.root.verify_form_mac(&self.parts(expires_at).each_ref().map(Vec::as_slice), mac)
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

/// The button that was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pressed {
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
    pub fn parse(value: &str) -> Option<Self> {
        match value {
            "allow" | "continue" => Some(Pressed::Allow),
            "switch" => Some(Pressed::Switch),
            "cancel" => Some(Pressed::Cancel),
            _ => value.strip_prefix("upstream:").map(|name| Pressed::Upstream(name.to_owned())),
        }
    }
}

/// What comes of the answer.
pub enum Decided {
    /// The client has its answer: this URL.
    Answer(String),
    /// The browser goes to the upstream.
    Depart(Departure),
    /// The page again, with the reason.
    AskAgain(Box<Question>, &'static str),
}

/// The name of the consent page's form.
pub const PURPOSE: &str = "consent";

/// Why a page is shown again in answer to a form that does not fit it.
pub const LOOK_AGAIN: &str = "This page had been open for a while, or something changed. Please look again.";

/// Takes the answer to the consent page. A form that does not fit what would be shown now is shown anew: never an error,
/// never a grant.
pub async fn decide(
    app: &App,
    request: &AuthorizationRequest,
    answer: Submitted<'_>,
    now: UnixTime,
) -> Result<Decided, Error> {
    let question = Box::new(authorize::question(app, request, answer.signed_in, now).await?);
    let form = Form {
        purpose: PURPOSE,
        browser: answer.browser,
        person: question.signed_in.as_ref().map(|signed_in| &signed_in.person.id),
        request,
        login: None,
    };
    if answer.browser.is_empty() || !form.verify(app, answer.token, now) {
        return Ok(Decided::AskAgain(question, LOOK_AGAIN));
    }
    match (answer.pressed, question.signed_in.as_ref()) {
        (Some(Pressed::Cancel), _) => Ok(Decided::Answer(request.return_to.with_error(&denied()))),
        (Some(Pressed::Allow), Some(signed_in)) => {
            code::give(app, request, &signed_in.sign_in, now).await.map(Decided::Answer)
        }
        (Some(Pressed::Upstream(name)), _) if app.upstream(&name).is_some() => {
            login::begin(app, request, &name, false, now).await.map(Decided::Depart)
        }
        (Some(Pressed::Switch), Some(signed_in)) => {
            let upstream = login::upstream_of(app, &signed_in.sign_in.upstream);
            login::begin(app, request, &upstream, true, now).await.map(Decided::Depart)
        }
        _ => Ok(Decided::AskAgain(question, "Please choose one of the buttons.")),
    }
}

/// The fields of a submitted form, and who submitted it.
pub struct Submitted<'a> {
    /// The button; `None` where it is none of ours.
    pub pressed: Option<Pressed>,
    /// The hidden token.
    pub token: &'a str,
    /// The browser's own random cookie, or empty.
    pub browser: &'a str,
    /// Who is signed in.
    pub signed_in: Option<SignedIn>,
}

/// `access_denied`, by the person (RFC 6749 section 4.1.2.1).
pub fn denied() -> Error {
    Error::new(ErrorCode::AccessDenied, "The person did not allow it.")
}
