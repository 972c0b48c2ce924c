//! The tool `whoami`.

use axum::http::request::Parts;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{CallToolResult, Implementation, ServerCapabilities, ServerConfig};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{ErrorData, tool, tool_handler, tool_router};
use serde_json::json;

use crate::mcp::guard::caller::Caller;

/// The server, as an rmcp service.
pub(super) type Server = StreamableHttpService<Whoami, LocalSessionManager>;

#[derive(Clone, Debug)]
pub(super) struct Whoami;

#[tool_router]
impl Whoami {
    #[tool(
        description = "Tells who is signed in to this server: the person's name and email, the app that acts for them, and what it may do.",
        annotations(title = "Who am I?", read_only_hint = true, open_world_hint = false)
    )]
    async fn whoami(&self, context: RequestContext<RoleServer>) -> Result<CallToolResult, ErrorData> {
        let caller = context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get::<Caller>());
        let caller = caller.ok_or_else(|| ErrorData::internal_error("nobody is calling", None))?;
        Ok(CallToolResult::structured(json!({
            "subject": caller.subject(),
            "name": caller.name(),
            "email": caller.email(),
            "client": { "id": caller.client_id(), "name": caller.client_name() },
            "scopes": caller.scopes().collect::<Vec<_>>(),
        })))
    }
}

#[tool_handler]
impl ServerHandler for Whoami {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().build();
        info.server_info = Implementation::new("jean", env!("CARGO_PKG_VERSION"));
        info.instructions = Some("Ask whoami who is signed in.".into());
        info
    }
}
