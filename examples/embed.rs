//! An axum application of your own with jean in it: `/mcp` needs a token, the rest of the application does not.
//!
//! It reads `jean.toml`, or the file that its first argument names. Without jean's default features it compiles neither
//! the command line nor the built-in server nor the development provider, so `[upstream.dev]` cannot be used:
//!
//! ```text
//! cargo run --example embed --no-default-features -- path/to/jean.toml
//! ```

use axum::routing::{any, get};
use axum::{Extension, Router};
use jean::{Caller, Config, Jean};

/// What is protected: any tower service, here a handler that stands for an MCP server.
async fn my_mcp_server(Extension(caller): Extension<Caller>) -> String {
    format!("{} calls by {}\n", caller.subject(), caller.client_name())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "jean.toml".into());
    let jean = Jean::start(Config::load(file)?).await?;
    let app = Router::new()
        .route("/", get(async || "My own page.\n"))
        .route_service("/mcp", jean.guard(any(my_mcp_server)))
        .merge(jean.router())
        .merge(jean.default_endpoints());
    let listener = tokio::net::TcpListener::bind(jean.listen()).await?;
    println!("MCP URL to paste into a client: {}", jean.mcp_url());
    axum::serve(listener, app).await?;
    Ok(())
}
