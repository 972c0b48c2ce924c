"""An MCP client on the official Python SDK that keeps its tokens in a file: it signs in if it has to, calls whoami, and ends.

    app.py MCP_URL REDIRECT_URI FILE

Each line of standard output is JSON: {"open": URL} if a person has to go there, upon which a line of standard input is the
query of the answer at the redirect URI; {"whoami": ...} at the end.

The file holds what the SDK's storage has to keep, tokens and registration, and when the access token expires. The SDK does
not load that time, and would send the expired token (modelcontextprotocol/python-sdk#3250), so applications restore it, as
this one does. The metadata of the server is kept by none of them.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs

from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken


class FileStorage:
    def __init__(self, path: Path):
        self.path = path
        self.kept = json.loads(path.read_text()) if path.exists() else {}

    def keep(self, **kept):
        self.kept |= kept
        self.path.write_text(json.dumps(self.kept))

    async def get_tokens(self):
        return OAuthToken.model_validate(self.kept["tokens"]) if "tokens" in self.kept else None

    async def set_tokens(self, tokens: OAuthToken):
        self.keep(tokens=tokens.model_dump(mode="json"), expires_at=time.time() + tokens.expires_in)

    async def get_client_info(self):
        return OAuthClientInformationFull.model_validate(self.kept["client"]) if "client" in self.kept else None

    async def set_client_info(self, client: OAuthClientInformationFull):
        self.keep(client=client.model_dump(mode="json"))


def tell(**said):
    print(json.dumps(said), flush=True)


async def send_to_browser(url: str):
    tell(open=url)


async def answer_at_redirect_uri():
    query = await asyncio.to_thread(sys.stdin.readline)
    answer = {name: values[0] for name, values in parse_qs(query.strip()).items()}
    return AuthorizationCodeResult(code=answer["code"], state=answer["state"], iss=answer["iss"])


async def main(url: str, redirect_uri: str, file: str):
    storage = FileStorage(Path(file))
    metadata = OAuthClientMetadata(
        client_name="A Python app",
        redirect_uris=[redirect_uri],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        token_endpoint_auth_method="none",
    )
    provider = OAuthClientProvider(url, metadata, storage, send_to_browser, answer_at_redirect_uri)
    provider.context.token_expiry_time = storage.kept.get("expires_at")
    async with create_mcp_http_client(auth=provider) as http_client:
        async with Client(streamable_http_client(url, http_client=http_client)) as client:
            result = await client.call_tool("whoami", {})
            tell(whoami=result.structured_content)


asyncio.run(main(*sys.argv[1:]))
