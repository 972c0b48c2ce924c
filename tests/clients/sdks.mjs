// The two lines of the official TypeScript SDK, by what the journeys use of them.

import * as v1Auth from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as v2 from '@modelcontextprotocol/client';

/** `client` makes an MCP client of a name; `finish` hands the answer at the redirect URI to a transport. */
export const sdks = [
  {
    name: 'SDK v1',
    auth: v1Auth.auth,
    UnauthorizedError: v1Auth.UnauthorizedError,
    Transport: V1Transport,
    client: name => new V1Client({ name, version: '1.0.0' }),
    finish: (transport, answer) => transport.finishAuth(answer.get('code')),
  },
  {
    name: 'SDK v2',
    auth: v2.auth,
    UnauthorizedError: v2.UnauthorizedError,
    Transport: v2.StreamableHTTPClientTransport,
    client: name => new v2.Client({ name, version: '1.0.0' }),
    finish: (transport, answer) => transport.finishAuth(answer),
  },
  {
    name: 'SDK v2, the newest protocol it knows',
    auth: v2.auth,
    UnauthorizedError: v2.UnauthorizedError,
    Transport: v2.StreamableHTTPClientTransport,
    client: name => new v2.Client({ name, version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } }),
    finish: (transport, answer) => transport.finishAuth(answer),
  },
];
