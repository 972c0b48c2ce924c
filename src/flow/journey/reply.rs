//! How a client gets the result of its request, and who is told if the request is not valid.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::client::{Client, ClientOrigin};
use crate::oauth::client_document::Unusable;
use crate::oauth::client_id::ClientId;
use crate::oauth::error::Error;
use crate::oauth::name::Headline;
use crate::oauth::redirect::RedirectKind;
use crate::oauth::return_to::ReturnTo;

/// How a client gets the result of a journey.
pub(crate) enum Reply<'a> {
    /// The browser carries the result to the client's redirect URI.
    Redirect(&'a ReturnTo),
}

impl Reply<'_> {
    /// The URL to which the browser carries a code.
    pub(crate) fn with_code(&self, code: &str) -> String {
        let Reply::Redirect(return_to) = self;
        return_to.with_code(code)
    }

    /// The URL to which the browser carries an error.
    pub(crate) fn with_error(&self, error: &Error) -> String {
        let Reply::Redirect(return_to) = self;
        return_to.with_error(error)
    }
}

/// Why a request is not valid, and who is told.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// The client is unknown: a page for the person, never a redirect.
    UnknownClient {
        /// `client_id` as received.
        client_id: String,
        /// `redirect_uri` as received. The page may recognise the app by it.
        redirect_uri: String,
    },
    /// The client's metadata document (CIMD) cannot be fetched or breaks a rule: a page, never a redirect.
    Document {
        /// `client_id` as received: the document's address.
        client_id: String,
        /// `redirect_uri` as received. The page may recognise the app by it.
        redirect_uri: String,
        unusable: Unusable,
    },
    /// The client did not register this redirect URI: a page, never a redirect.
    UnknownRedirectUri {
        client: Box<Client>,
        /// `redirect_uri` as received.
        redirect_uri: String,
    },
    /// There is no verified redirect URI: a page.
    Page(Error),
    /// The error goes to the client.
    Answer(Box<Answer>),
}

/// An error for the client.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The verified redirect URI and `state`.
    pub return_to: ReturnTo,
    pub error: Error,
    /// The client's id, for the log.
    pub client_id: ClientId,
    pub client: Headline,
    /// Whether the target is trusted enough for a redirect (RFC 9700 section 4.11.2): http on this computer, which reaches
    /// only a program that listens; a client of the operator's choice; or exactly the address to which the code of a live
    /// grant went. Otherwise a page says where the link leads: a registration can name any address, and a custom scheme may
    /// start an app with a stranger's arguments.
    pub at_once: bool,
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Rejection::Page(error)
    }
}

/// The client that is told of an error, and its address.
pub(super) struct Recipient<'a> {
    pub(super) client: &'a Client,
    pub(super) return_to: ReturnTo,
}

/// Rejects a request whose client can be told. Decides whether the error goes by redirect or by a page with a link.
pub(super) async fn reject(app: &App, to: Recipient<'_>, error: Error, now: UnixTime) -> Result<Answer, Error> {
    let Recipient { client, return_to } = to;
    let redirect_uri = return_to.redirect_uri();
    let at_once = redirect_uri.kind() == RedirectKind::Loopback
        || client.origin == ClientOrigin::Configured
        || app.settings.clients.documents.pinned.contains_key(&client.id)
        // Only web sites: any client can get a grant, and could then send people's browsers to a program, or to a device in
        // their network, with arguments of their choice.
        || redirect_uri.kind() == RedirectKind::Https
            && app.store.grant_went_to(&client.id, redirect_uri, now).await?;
    Ok(Answer { return_to, error, client_id: client.id.clone(), client: app.headline(client), at_once })
}
