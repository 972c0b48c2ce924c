// A web site on this computer with client ID metadata documents, as an app's maker publishes them.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

/** Serves documents on a free port of `localhost`: by http, or by https with the key and the certificate of that name. */
export async function serveDocuments({ tls } = {}) {
  const documents = new Map();
  const asked = [];
  const listener = ({ url }, response) => {
    asked.push(url);
    const document = documents.get(url);
    if (!document) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  };
  const server = tls ? createSecureServer(tls, listener) : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `${tls ? 'https' : 'http'}://localhost:${server.address().port}`;
  return {
    /** The path of each request so far. */
    asked,
    /** Publishes what an app says about itself; answers the address, which is the app's client id. */
    publish(path, metadata) {
      const client_id = origin + path;
      documents.set(path, { client_id, token_endpoint_auth_method: 'none', ...metadata });
      return client_id;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
