//! OAuth 2.1 in front of MCP servers: an authorization server and the guard of what it protects, in one binary or within
//! an axum 0.8 application. What it does and how it is configured is in `README.md`; this page is the map of the code.
//!
//! # Embedding
//!
//! [`Jean::guard`] protects an MCP server, any tower service, and hands it the [`Caller`]; [`Jean::router`] is the
//! authorization server, [`Jean::default_endpoints`] what clients without metadata take for granted at the root, and
//! [`Jean::home`] its front page and status. The path is that of `[mcp.default]` in `jean.toml`.
//! Any server of axum's can serve that; [`listen::serve`] bounds what connections may cost.
//! [`Jean::failed`] tells that the database is gone for good, [`Jean::drain`] takes a server out of service, and
//! [`Jean::close`] ends it in order.
//!
//! ```no_run
//! use axum::{Extension, Router, routing::any};
//! use jean::{Caller, Config, Jean};
//!
//! async fn my_mcp_server(Extension(caller): Extension<Caller>) -> String {
//!     format!("{} calls by {}", caller.subject(), caller.client_name())
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let jean = Jean::start(Config::load("jean.toml")?).await?;
//!     let app = Router::new()
//!         .route_service("/mcp", jean.guard(any(my_mcp_server)))
//!         .merge(jean.router());
//!     let listener = tokio::net::TcpListener::bind(jean.listen()).await?;
//!     jean::listen::serve(listener, app, jean.listen_options()).await;
//!     Ok(())
//! }
//! ```
//!
//! # What each module owns
//!
//! | module | owns | does not know |
//! |---|---|---|
//! | [`server`] | [`Jean`]: everything built once from a [`Config`], and what goes on in the background | a request |
//! | [`config`] | `jean.toml` and the environment, checked into [`Settings`](config::settings::Settings), and warnings of what is probably not meant | who reads them |
//! | [`http`] | axum and HTML: one table of [`routes`](http::routes), cookies, pages, the three ways to tell an error | SQL; it decides nothing |
//! | [`wire`] | what both need of HTTP: how requests are read, how errors are told to programs, the log of each request | pages, the guard |
//! | [`mcp`] | the resource side: the guard, [`Caller`], the built-in server | pages |
//! | [`flow`] | what the server decides, one file for each flow, plain async functions over [`App`](flow::app::App), whose fields nobody else sees | axum, cookies' attributes |
//! | [`oauth`] | the protocol's words: pure types and rules that cannot hold what the RFCs forbid | any I/O |
//! | [`store`] | every SQL statement and the only `use` of sqlx: one file for each table, `door` for all writes, `connections` for reads, `watch` for what other processes changed, `request` for what outlives a request | flows |
//! | [`upstream`] | the identity providers, and the only `use` of openidconnect | the store |
//! | [`fetch`] | the only GET to addresses that strangers name, under the rules that this needs | what is there |
//! | [`listen`] | the accept loop: timers and bounds of connections, and how they end when the server stops | what is served |
//! | [`keys`] | signing and reading tokens, and the only `use` of jsonwebtoken | the store |
//! | [`secret`] | the root secret: the seal over private keys, the code of form tokens | what is sealed |
//! | [`clock`], [`random`] | the time, which tests move, whether it jumped, and chance | all else |
//! | `testing` | by its feature: what an application's tests need of jean's own types | all else |
//!
//! The program, `src/main.rs` and `src/cli`, uses only what is public here.
//!
//! Two more packages are in `crates/`, and name nothing of jean: `jean-testing`, the dev provider with a scripted browser and
//! client, and `jean-checks`, the table of `jean conformance`. The program needs both. The library needs `jean-testing` for
//! its feature `dev`, and its feature `builtin` brings the built-in server and [`Jean::service`]; `default-features = false`
//! does without all of it.
//!
//! # The arrows
//!
//! One way, and without a circle:
//!
//! ```text
//! main -> server -> listen
//! main -> server -> http, mcp -> flow -> store, upstream, fetch, keys -> oauth -> clock
//!               |      \-> wire
//!               \-> config
//! ```
//!
//! Only [`server`] reads [`Config`]; below it there are settings. The time comes in as an argument: no flow and no
//! statement reads a clock, but for sessions and the watch over the clock itself.
//!
//! # The journey
//!
//! A client without a token is sent on by the guard's 401 ([`mcp`]), reads the metadata ([`flow::discovery`]), registers
//! ([`flow::client::register`]; [`flow::client::configuration`] manages that later) unless it has a document
//! ([`flow::client::document`]), and opens a browser:
//!
//! 1. `GET /oauth/authorize`: [`flow::journey::request`] validates, [`flow::journey::consent::next`] decides what the
//!    person sees. This GET writes nothing, except where a stored consent replaces the page.
//! 2. `POST /oauth/consent`: [`flow::journey::consent::decide`] takes the answer. If the person is signed in already
//!    and allows it, the client gets its code at once, and 3 and 4 are left out. Else [`flow::journey::begin`] makes
//!    the journey's row and the cookie that binds it to this browser.
//! 3. `GET /oauth/callback/{upstream}`: [`flow::journey::callback`] claims the row once, asks the [`upstream`] who it is, and
//!    applies [`flow::person::admission`].
//! 4. `GET /oauth/login/{id}`: [`flow::journey::login::next`], the dispatcher, decides by the row's stage what comes
//!    next, so that reload, two tabs and the back button are safe.
//! 5. `POST /oauth/token`: [`flow::grant`] runs the same phases for every grant type: its `code` turns the code into tokens,
//!    its `refresh` a refresh token into its successor. [`flow::grant::revoke`] ends a grant. A client with the scope
//!    `openid` learns who the person is from [`flow::token::userinfo`].
//! 6. `/mcp`: the guard asks [`flow::token::verify`] on every call, servers elsewhere [`flow::token::introspect`];
//!    [`flow::revocations`] tells it what was revoked elsewhere.
//!
//! # Where to begin
//!
//! The folders `flow`, `http` and `tests/it` have the same wings: `journey` (the browser), `grant` (the token endpoint),
//! `client`, `person`, `token` and `home`. A feature X of a wing W is in `http/W/X.rs` (the wire), `flow/W/X.rs` (the
//! decision), `store/X.rs` (the rows) and `tests/it/W/X.rs` (the proof). Read [`flow::journey::request`] first, then
//! [`flow::journey::login`]; the types they speak in are in [`oauth`], and `migrations` tells what is kept.

mod clock;
mod config;
mod fetch;
mod flow;
mod http;
mod keys;
pub mod listen;
mod mcp;
mod oauth;
mod random;
mod secret;
mod server;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod upstream;
mod wire;

pub use clock::{Clock, SystemClock, UnixTime};
pub use config::{Config, Problems, Summary};
pub use mcp::{Caller, GuardLayer, Guarded, StepUp};
pub use server::{Builder, Error, Jean, Provider, UnknownMount};
