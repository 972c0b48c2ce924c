// An MCP client's side of OAuth, as an app on this computer has it: the SDK's provider interface with everything in
// memory, a browser for the person, and a loopback listener where the answer arrives.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

/**
 * Listens on a free loopback port; `next()` is the next answer that a browser brings to the redirect URI, `received` all
 * of them. With the key and the certificate of a `host`, the redirect URI is on that web site.
 */
export async function listenForAnswers({ host, tls } = {}) {
  const waiting = [];
  const received = [];
  const listener = (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    if (url.pathname !== '/callback') return response.writeHead(204).end();
    received.push(url.searchParams);
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end('<!doctype html><html lang="en"><title>Done</title><h1>Done: you can close this page</h1>');
    waiting.shift()?.(url.searchParams);
  };
  const server = tls ? createSecureServer(tls, listener) : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  return {
    port,
    received,
    redirectUri: tls ? `https://${host}/callback` : `http://localhost:${port}/callback`,
    next(patience = 15_000) {
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error('no answer came to the redirect URI')), patience);
        waiting.push(answer => (clearTimeout(late), resolve(answer)));
      });
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/**
 * The SDK's OAuthClientProvider. `person(url)` is what happens in the browser once it is sent to `url`; with the address
 * of a metadata document the SDK may use that instead of a registration.
 */
export class App {
  constructor(name, answers, person, clientMetadataUrl) {
    this.name = name;
    this.answers = answers;
    this.person = person;
    this.clientMetadataUrl = clientMetadataUrl;
  }

  get redirectUrl() {
    return this.answers.redirectUri;
  }
  get clientMetadata() {
    return {
      client_name: this.name,
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }
  state() {
    return (this.sentState = randomUUID());
  }
  async redirectToAuthorization(url) {
    this.authorizationUrl = url;
    [this.answer] = await Promise.all([this.answers.next(), this.person(url)]);
  }

  /** The answer at the redirect URI, once it is known to be an answer to this app's request and from this server. */
  trustedAnswer() {
    assert.ok(this.answer, 'the browser brought an answer to the redirect URI');
    assert.equal(this.answer.get('state'), this.sentState, 'state comes back as it was sent');
    assert.equal(this.answer.get('iss'), this.metadata.issuer, "iss is the issuer of the server's metadata");
    return this.answer;
  }

  get metadata() {
    return this.discovery.authorizationServerMetadata;
  }
  /** What the SDK's lower-level calls take. */
  get request() {
    return { metadata: this.metadata, clientInformation: this.client, resource: this.discovery.resourceMetadata.resource };
  }

  clientInformation = () => this.client;
  saveClientInformation = client => void (this.client = client);
  tokens = () => this.saved;
  saveTokens = tokens => void (this.saved = tokens);
  codeVerifier = () => this.verifier;
  saveCodeVerifier = verifier => void (this.verifier = verifier);
  discoveryState = () => this.discovery;
  saveDiscoveryState = discovery => void (this.discovery = discovery);

  /** What the SDK forgets when the server says that it is no longer good. */
  invalidateCredentials(what) {
    if (['all', 'client'].includes(what)) this.client = undefined;
    if (['all', 'tokens'].includes(what)) this.saved = undefined;
    if (['all', 'verifier'].includes(what)) this.verifier = undefined;
    if (['all', 'discovery'].includes(what)) this.discovery = undefined;
  }
}
