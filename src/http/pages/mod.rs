//! The web pages: one struct for each, rendered by askama from `templates/`.
//!
//! The structs hold plain data that is ready to be shown; they know nothing of requests, stores or flows. Every value
//! is escaped by the templates, and everything that a client or an upstream chose stands in `<bdi>` or `<code>`. What a
//! client is called is a [`Headline`], which `parts/client.html` shows with what belongs to it. No page
//! needs a script, and none carries an inline style: the content security policy allows only [`stylesheet`], served at
//! [`Layout::style`]. Each form posts the button that was pressed as `answer`.

mod color;
mod style;
#[cfg(test)]
mod tests;

use askama::Template;

use crate::oauth::name::Headline;

pub(crate) use style::stylesheet;

/// What all pages share: whose server this is, and where its links go.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Whose server this is: `[brand] name`.
    pub(crate) brand: String,
    /// The server's own host (and port), shown under the name.
    pub(crate) host: String,
    /// Where the logo is; the name's first letter stands in for it.
    pub(crate) logo: Option<String>,
    /// Where [`stylesheet`] is served.
    pub(crate) style: String,
    /// Where the name links to: the landing page.
    pub(crate) home: String,
    /// The privacy policy.
    pub(crate) privacy_url: Option<String>,
    /// The terms of service.
    pub(crate) terms_url: Option<String>,
    /// Where a person finds help.
    pub(crate) support_url: Option<String>,
}

impl Layout {
    fn initial(&self) -> String {
        initial(&self.brand)
    }
}

/// How a client came to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClientSource {
    /// The operator wrote it into `jean.toml`.
    Configured,
    /// It registered itself, and gave itself its name.
    Unverified,
    /// The host of its metadata document vouches for it; the page's headline is that host.
    Document {
        /// The confirmed host, in ASCII.
        host: String,
        /// What the client calls itself.
        name: Option<String>,
    },
    /// Its metadata document is on this computer, at this host, and vouches for nothing.
    Local(String),
}

/// Where the answer goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A site, by its host.
    Site(String),
    /// An app, by the scheme of its links, without the colon.
    App(String),
    /// A loopback address.
    ThisComputer,
    /// A device in the person's own network, by its host.
    Network(String),
}

impl Destination {
    /// Whether the answer goes to an app on the person's device or in their network, where any other could pose as the client
    /// (RFC 8252 section 8.6).
    fn is_native(&self) -> bool {
        !matches!(self, Destination::Site(_))
    }

    /// The site where the answer goes, where it is another one than the one that vouches for the client.
    fn elsewhere(&self, source: &ClientSource) -> Option<&str> {
        match (self, source) {
            (Destination::Site(site), ClientSource::Document { host, .. }) if site != host => Some(site),
            _ => None,
        }
    }
}

/// One thing that a client may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScopeLine {
    /// What it lets a client do, in words for people: "Read your memories".
    pub(crate) words: String,
    /// The scope, shown where there are no words.
    pub(crate) name: String,
    /// Whether this person has not allowed it to this client before.
    pub(crate) new: bool,
}

impl ScopeLine {
    fn text(&self) -> &str {
        if self.words.is_empty() { &self.name } else { &self.words }
    }
}

/// Whether this person has connected this client before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Never.
    FirstTime,
    /// Before.
    Since {
        /// The first day: "3 May 2026".
        day: String,
        /// What is new since the last time, in words; may be empty.
        news: String,
    },
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// The email, or what else the person is called by.
    pub(crate) label: String,
    /// The name, where it is known and is not the label.
    pub(crate) name: Option<String>,
}

impl Account {
    fn initial(&self) -> String {
        initial(self.name.as_deref().unwrap_or(&self.label))
    }
}

/// A button that leads to an upstream; its answer is `upstream:NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UpstreamButton {
    /// The upstream's name in `jean.toml`.
    pub(crate) name: String,
    /// What people call it: "Google".
    pub(crate) label: String,
}

/// What whoever supports a person needs to know of a request, folded away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Details {
    /// `client_id`.
    pub(crate) client_id: String,
    /// `redirect_uri`.
    pub(crate) redirect_uri: String,
    /// The resources, separated by spaces.
    pub(crate) resource: String,
    /// The scopes, separated by spaces.
    pub(crate) scopes: String,
}

/// "Allow Claude to use Jean Memory?" Answers: `allow` where somebody is signed in, else `upstream:NAME`; `switch`, `cancel`.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub(crate) struct Consent {
    /// What all pages share.
    pub(crate) layout: Layout,
    /// What the page calls the client, and whose word that is.
    pub(crate) client: Headline,
    /// How sure we are of that.
    pub(crate) source: ClientSource,
    /// Where the answer goes.
    pub(crate) destination: Destination,
    /// What it asks for; empty where it asks only who the person is.
    pub(crate) scopes: Vec<ScopeLine>,
    /// What it learns of the person: "your name and email address".
    pub(crate) learns: Option<ScopeLine>,
    /// Whether the person has connected it before; `None` while nobody is signed in.
    pub(crate) seen: Option<Seen>,
    /// After what the client's access ends: "30 days unused".
    pub(crate) lasts: String,
    /// Who is signed in.
    pub(crate) account: Option<Account>,
    /// The ways to sign in, the obvious one first; shown while nobody is signed in.
    pub(crate) upstreams: Vec<UpstreamButton>,
    /// One line that says why the page is shown again.
    pub(crate) notice: Option<String>,
    /// Where the form goes.
    pub(crate) action: String,
    /// The raw query of the authorization request.
    pub(crate) request: String,
    /// The form token.
    pub(crate) token: String,
    /// The request in the protocol's words.
    pub(crate) details: Details,
}

/// "Continue as ada@example.com?", after the first sign-in for a client. Answers: `continue`, `switch`, `cancel`.
#[derive(Debug, Template)]
#[template(path = "confirm.html")]
pub(crate) struct Confirm {
    /// What all pages share.
    pub(crate) layout: Layout,
    /// Who signed in.
    pub(crate) account: Account,
    /// What the page calls the client, and whose word that is.
    pub(crate) client: Headline,
    /// How sure we are of that.
    pub(crate) source: ClientSource,
    /// Where the answer goes.
    pub(crate) destination: Destination,
    /// What it asks for.
    pub(crate) scopes: Vec<ScopeLine>,
    /// What it learns of the person.
    pub(crate) learns: Option<ScopeLine>,
    /// Whether the person has connected it before.
    pub(crate) seen: Option<Seen>,
    /// Where the form goes.
    pub(crate) action: String,
    /// The form token.
    pub(crate) token: String,
    /// Whether "Use another account" is offered.
    pub(crate) can_switch: bool,
    /// One line that says why the page is shown again.
    pub(crate) notice: Option<String>,
    /// The request in the protocol's words.
    pub(crate) details: Details,
}

/// A sign-in that failed or was refused, with ways on. Answers: `switch`, `upstream:NAME`, `cancel`.
#[derive(Debug, Template)]
#[template(path = "retry.html")]
pub(crate) struct Retry {
    /// What all pages share.
    pub(crate) layout: Layout,
    /// What happened, short: "Google cannot be reached just now".
    pub(crate) title: String,
    /// What happened and what to do next, in a sentence or two.
    pub(crate) message: String,
    /// What the page calls the client, and whose word that is.
    pub(crate) client: Headline,
    /// Where the form goes.
    pub(crate) action: String,
    /// The form token.
    pub(crate) token: String,
    /// The ways to sign in: that of the last attempt, to try it again, and others.
    pub(crate) upstreams: Vec<UpstreamButton>,
    /// The name of the upstream of the last attempt.
    pub(crate) tried: String,
    /// Whether "Use another account" is offered, as the first button.
    pub(crate) can_switch: bool,
    /// The request's id, for support.
    pub(crate) request_id: String,
}

/// The page that goes on to another site by itself. It answers a POST, since Chromium applies `form-action` to
/// redirects; a refresh is a new navigation.
#[derive(Debug, Template)]
#[template(path = "leaving.html")]
pub(crate) struct Leaving {
    layout: Layout,
    url: String,
    client: Headline,
}

impl Leaving {
    /// A page that leads to `url`, an absolute URL as [`url::Url`] serialises it: to a client, or to a provider by the name
    /// that the operator gave it.
    pub(crate) fn new(layout: Layout, url: &str, client: Headline) -> Self {
        Leaving { layout, url: refresh_target(url), client }
    }
}

/// "One moment": the page that looks again after a second.
#[derive(Debug, Template)]
#[template(path = "wait.html")]
pub(crate) struct Wait {
    layout: Layout,
    refresh_url: String,
}

impl Wait {
    /// A page that looks again at `refresh_url`.
    pub(crate) fn new(layout: Layout, refresh_url: &str) -> Self {
        Wait { layout, refresh_url: refresh_target(refresh_url) }
    }
}

/// What to do in an app: a heading and steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// "In Claude".
    pub(crate) title: String,
    /// One after the other.
    pub(crate) steps: Vec<Step>,
}

/// One thing to do in an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// What to do.
    pub(crate) words: String,
    /// A text to copy for it, which may be empty.
    pub(crate) copy: String,
}

/// A button that leads on.
#[derive(Debug)]
pub(crate) struct Link {
    /// What it says.
    pub(crate) label: String,
    /// Where it goes.
    pub(crate) url: String,
}

/// Something went wrong and this page has no form to put it right: what happened, and what to do next.
#[derive(Debug, Template)]
#[template(path = "problem.html")]
pub(crate) struct Problem {
    /// What all pages share.
    pub(crate) layout: Layout,
    /// What happened, short: "This page has expired".
    pub(crate) title: String,
    /// What happened, in a sentence.
    pub(crate) message: String,
    /// What to do next, in the person's terms: which button in which app.
    pub(crate) next: String,
    /// The steps of it, for each app that may be meant.
    pub(crate) advice: Vec<Advice>,
    /// A button that leads on.
    pub(crate) link: Option<Link>,
    /// Names and values for whoever supports the person, folded away.
    pub(crate) details: Vec<(String, String)>,
    /// The request's id, for support.
    pub(crate) request_id: String,
}

/// "Done. Go back to Claude": the answer was already given.
#[derive(Debug, Template)]
#[template(path = "done.html")]
pub(crate) struct Done {
    /// What all pages share.
    pub(crate) layout: Layout,
    /// What the page calls the client, and whose word that is.
    pub(crate) client: Headline,
}

/// One protected MCP endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct McpUrl {
    /// A short name without spaces, under which Claude Code adds it.
    pub(crate) name: String,
    /// The URL to paste into an app.
    pub(crate) url: String,
}

/// The page at `/`: what this server is, and how to connect an app to it.
#[derive(Debug, Template)]
#[template(path = "landing.html")]
pub(crate) struct Landing {
    /// What all pages share.
    pub(crate) layout: Layout,
    /// The endpoints, the default one first.
    pub(crate) mcp_urls: Vec<McpUrl>,
    /// What people call the upstreams: "Google".
    pub(crate) upstreams: Vec<String>,
    /// What a client can ask for; [`ScopeLine::new`] has no effect here.
    pub(crate) scopes: Vec<ScopeLine>,
    /// Whether only those apps can connect that the operator set up.
    pub(crate) closed: bool,
    /// Whether anyone may sign in under any name.
    pub(crate) dev: bool,
    /// Where the status page is.
    pub(crate) status_url: String,
}

/// How much of the server works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overall {
    /// All of it.
    Ready,
    /// Some of it.
    Partial,
    /// Too little: nobody can sign in.
    Failing,
}

/// One part of the server, or something that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ComponentLine {
    /// What people call it: "Database".
    pub(crate) name: String,
    /// Whether it works.
    pub(crate) ready: bool,
    /// What there is to say about it; may be empty.
    pub(crate) detail: String,
}

/// One standard, and whether this server meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StandardLine {
    /// "RFC 8414".
    pub(crate) name: String,
    /// "Authorization Server Metadata".
    pub(crate) title: String,
    /// Whether it is met as configured.
    pub(crate) met: bool,
    /// What there is to say about it; may be empty.
    pub(crate) detail: String,
}

/// The status page.
#[derive(Debug, Template)]
#[template(path = "status.html")]
pub(crate) struct Status {
    /// What all pages share.
    pub(crate) layout: Layout,
    /// The sum of it.
    pub(crate) overall: Overall,
    /// jean's version.
    pub(crate) version: String,
    /// The issuer identifier.
    pub(crate) issuer: String,
    /// The parts.
    pub(crate) components: Vec<ComponentLine>,
    /// The standards.
    pub(crate) standards: Vec<StandardLine>,
}

/// The first letter or digit, in upper case.
fn initial(text: &str) -> String {
    text.chars().find(|c| c.is_alphanumeric()).map_or_else(|| "·".to_owned(), |c| c.to_uppercase().collect())
}

/// A URL that can stand unquoted after `url=` in a refresh: whatever could end it there is percent-encoded.
fn refresh_target(url: &str) -> String {
    let mut target = String::with_capacity(url.len());
    for c in url.chars() {
        if c.is_ascii_graphic() && !matches!(c, '\'' | '"' | '<' | '>') {
            target.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                target.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    target
}
