//! The person's answer to the consent page, and the tokens that bind a form to the page it was drawn for.

use aws_lc_rs::digest::{SHA256, digest};

use crate::app::App;
use crate::clock::UnixTime;
use crate::flow::grant::code;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::{PersonId, RowId};

use super::login::{self, Departure, Start};
use super::request::{self, AuthorizationRequest, Question, SignedIn};

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

    /// The form, if the token was made for it and has not expired.
    pub fn verify(&self, app: &App, token: &str, now: UnixTime) -> Option<VerifiedForm> {
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
pub struct VerifiedForm {
    drawn_at: UnixTime,
    mac: String,
}

impl VerifiedForm {
    /// The ids of the journeys that the form may begin. They are computed from its token, so that the rows themselves are
    /// the count, on all replicas and after a restart: a form that is posted again meets the ids of the journeys before, and
    /// if all are taken it begins no other. A row outlives the form, so that no id comes free before its token has
    /// expired.
    pub fn journeys(&self) -> impl Iterator<Item = RowId> {
        (0..JOURNEYS_OF_A_FORM).map(|n| {
            let seed = digest(&SHA256, format!("{}/{n}", self.mac).as_bytes());
            let mut random = [0; 4];
            random.copy_from_slice(&seed.as_ref()[..4]);
            RowId::new(self.drawn_at, random)
        })
    }
}

const _: () = assert!(login::LOGIN_LIFETIME.as_secs() as i64 >= FORM_LIFETIME, "a journey's row outlives its form");

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
    /// The form has begun as many journeys as it may.
    UsedUp,
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
    let question = Box::new(request::question(app, request, answer.signed_in, now).await?);
    let form = Form {
        purpose: PURPOSE,
        browser: answer.browser,
        person: question.signed_in.as_ref().map(|signed_in| &signed_in.person.id),
        request,
        login: None,
    };
    let Some(form) = form.verify(app, answer.token, now).filter(|_| !answer.browser.is_empty()) else {
        return Ok(Decided::AskAgain(question, LOOK_AGAIN));
    };
    let begin = async |upstream: &str, select_account| {
        let start = Start { request, form: &form, upstream, select_account };
        let departure = login::begin(app, start, now).await?;
        Ok(departure.map_or(Decided::UsedUp, Decided::Depart))
    };
    match (answer.pressed, question.signed_in.as_ref()) {
        (Some(Pressed::Cancel), _) => Ok(Decided::Answer(request.return_to.with_error(&denied()))),
        (Some(Pressed::Allow), Some(signed_in)) => {
            code::give(app, request, &signed_in.sign_in, now).await.map(Decided::Answer)
        }
        (Some(Pressed::Upstream(name)), _) if app.upstream(&name).is_some() => begin(&name, false).await,
        (Some(Pressed::Switch), Some(signed_in)) => {
            let upstream = login::upstream_of(app, &signed_in.sign_in.upstream);
            begin(&upstream, true).await
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
