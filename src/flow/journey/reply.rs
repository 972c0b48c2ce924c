//! How a client learns what came of its request, and whom to tell if there is no valid one.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::client::{Client, ClientOrigin};
use crate::oauth::client_document::Unusable;
use crate::oauth::client_id::ClientId;
use crate::oauth::error::Error;
use crate::oauth::name::Headline;
use crate::oauth::redirect::RedirectKind;
use crate::oauth::return_to::ReturnTo;

/// How a client learns what came of a journey.
pub(crate) enum Reply<'a> {
    /// The browser carries it to the client's redirect URI.
    Redirect(&'a ReturnTo),
}

impl Reply<'_> {
    /// Where the browser goes with a code.
    pub(crate) fn with_code(&self, code: &str) -> String {
        let Reply::Redirect(return_to) = self;
        return_to.with_code(code)
    }

    /// Where the browser goes with an error.
    pub(crate) fn with_error(&self, error: &Error) -> String {
        let Reply::Redirect(return_to) = self;
        return_to.with_error(error)
    }
}

/// Why there is no valid request, and whom to tell.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// The client is not known: a page for the person, never a redirect.
    UnknownClient {
        /// What came as `client_id`.
        client_id: String,
        /// What came as `redirect_uri`, by which the page may recognise the app.
        redirect_uri: String,
    },
    /// The client is known by a document (CIMD) that cannot be had or that breaks a rule: a page, never a redirect.
    Document {
        /// What came as `client_id`: the document's address.
        client_id: String,
        /// What came as `redirect_uri`, by which the page may recognise the app.
        redirect_uri: String,
        /// What is wrong.
        unusable: Unusable,
    },
    /// The client did not register this redirect URI: a page, never a redirect.
    UnknownRedirectUri {
        /// The client.
        client: Box<Client>,
        /// What came as `redirect_uri`.
        redirect_uri: String,
    },
    /// Nothing to answer to: a page.
    Page(Error),
    /// The client can be told.
    Answer(Box<Answer>),
}

/// An error for the client.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Where it goes.
    pub return_to: ReturnTo,
    /// What it says.
    pub error: Error,
    /// The client's id, for the log.
    pub client_id: ClientId,
    /// What the page calls the client.
    pub client: Headline,
    /// Whether the target is trusted enough to send a browser there at once (RFC 9700 section 4.11.2): http on this
    /// computer, where nothing but a program that listens is started; the operator's own choice; or the very address to
    /// which the code of a grant went that still lives. Else a page says where it leads and has a link: a registration
    /// names any address, and a scheme of its own may start an app with a stranger's arguments.
    pub at_once: bool,
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Rejection::Page(error)
    }
}

/// Who is told of an error, and where.
pub(super) struct Recipient<'a> {
    pub(super) client: &'a Client,
    pub(super) return_to: ReturnTo,
}

/// Rejects a request whose client can be told, with the judgement how to send the error.
pub(super) async fn reject(app: &App, to: Recipient<'_>, error: Error, now: UnixTime) -> Result<Answer, Error> {
    let Recipient { client, return_to } = to;
    let redirect_uri = return_to.redirect_uri();
    let at_once = redirect_uri.kind() == RedirectKind::Loopback
        || client.origin == ClientOrigin::Configured
        || app.settings.clients.documents.pinned.contains_key(&client.id)
        // A web site alone: anybody can have a grant, and with it send people's browsers to a program, or to a device in
        // their network, with arguments of their choice.
        || redirect_uri.kind() == RedirectKind::Https
            && app.store.grant_went_to(&client.id, redirect_uri, now).await?;
    Ok(Answer { return_to, error, client_id: client.id.clone(), client: app.headline(client), at_once })
}
