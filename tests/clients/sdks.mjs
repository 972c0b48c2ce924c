// The two lines of the official TypeScript SDK, by what the journeys use of them.

import * as v1Auth from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as v2 from '@modelcontextprotocol/client';

const v1 = {
  name: 'SDK v1',
  auth: v1Auth.auth,
  UnauthorizedError: v1Auth.UnauthorizedError,
  Transport: V1Transport,
  protocol: '2025-11-25',
  spoken: (_client, transport) => transport.protocolVersion,
  /** An MCP client of this name. */
  client: name => new V1Client({ name, version: '1.0.0' }),
  /** Hands the answer at the redirect URI to a transport. */
  finish: (transport, answer) => transport.finishAuth(answer.get('code')),
};

const v2Sessions = {
  name: 'SDK v2',
  auth: v2.auth,
  UnauthorizedError: v2.UnauthorizedError,
  Transport: v2.StreamableHTTPClientTransport,
  protocol: '2025-11-25',
  spoken: client => client.getNegotiatedProtocolVersion(),
  client: name => new v2.Client({ name, version: '1.0.0' }),
  finish: (transport, answer) => transport.finishAuth(answer),
};

const v2Stateless = {
  ...v2Sessions,
  name: 'SDK v2 without sessions',
  protocol: '2026-07-28',
  client: name => new v2.Client({ name, version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } }),
};

/** Each with the revision of MCP that it and jean agree on. */
export const sdks = [v1, v2Sessions, v2Stateless];
