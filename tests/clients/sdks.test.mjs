// Each line of the official TypeScript SDK, as each kind of client: connected, refreshed, thrown out, and back again.
// What a person sees on the way is journey.test.mjs's business.
//
//   JEAN_BIN   the program, ../../target/debug/jean by default
//   CHROMIUM   the browser, /usr/bin/chromium by default

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { certificate } from './certificate.mjs';
import { serveDocuments } from './documents.mjs';
import { agree } from './person.mjs';
import { App, listenForAnswers } from './provider.mjs';
import { sdks } from './sdks.mjs';
import { startJean } from './server.mjs';

let folder, jean, browser, answers, documents;

before(async () => {
  // The SDK takes documents at https addresses only, so jean has to trust the certificate of one on this computer.
  const tls = await certificate('localhost');
  documents = await serveDocuments({ tls });
  folder = await mkdtemp(join(tmpdir(), 'jean-sdks-'));
  const trusted = join(folder, 'trusted.pem');
  await writeFile(trusted, tls.cert);
  jean = await startJean({ SSL_CERT_FILE: trusted });
  answers = await listenForAnswers();
  browser = await openBrowser();
});

after(async () => {
  answers?.close();
  documents?.close();
  await browser?.close();
  await jean?.remove();
  if (folder) await rm(folder, { recursive: true });
});

/** An app of this computer whose person agrees to everything. */
function app(name, document) {
  const person = url => agree(browser.page, url.href, ({ pathname }) => pathname === '/callback');
  return new App(name, answers, person, document);
}

/** The client after the whole journey: refused without a token, sent to the browser, let in with what that brought. */
async function connect(sdk, provider) {
  const transport = () => new sdk.Transport(new URL(jean.mcp), { authProvider: provider });
  await assert.rejects(sdk.client(provider.name).connect(transport()), sdk.UnauthorizedError, 'first the browser');
  await sdk.finish(transport(), provider.trustedAnswer());
  const client = sdk.client(provider.name);
  const connection = transport();
  await client.connect(connection);
  assert.equal(sdk.spoken(client, connection), sdk.protocol, 'the newest that both know');
  return client;
}

async function assertLetIn(client, provider) {
  const { tools } = await client.listTools();
  assert.ok(tools.some(({ name }) => name === 'whoami'), `whoami is one of ${tools.map(({ name }) => name)}`);
  const answer = JSON.stringify(await client.callTool({ name: 'whoami', arguments: {} }));
  for (const part of ['Ada Lovelace', provider.name]) assert.ok(answer.includes(part), `${part} in ${answer}`);
}

async function revoke(provider) {
  const { access_token: token } = provider.saved;
  const body = new URLSearchParams({ client_id: provider.client.client_id, token });
  const response = await fetch(provider.metadata.revocation_endpoint, { method: 'POST', body });
  assert.equal(response.status, 200, 'the token is revoked');
}

async function assertRefreshes(sdk, client, provider) {
  const { access_token: old } = provider.saved;
  assert.equal(await sdk.auth(provider, { serverUrl: jean.mcp }), 'AUTHORIZED', 'nobody is asked');
  assert.notEqual(provider.saved.access_token, old, 'a new access token');
  await assertLetIn(client, provider);
}

for (const [index, sdk] of sdks.entries()) {
  test(`${sdk.name}, registering itself`, async t => {
    const provider = app(`A registered app of ${sdk.name}`);
    const client = await connect(sdk, provider);
    t.after(() => client.close());
    await assertLetIn(client, provider);
    await t.test('refreshes by itself', () => assertRefreshes(sdk, client, provider));

    await t.test('comes back after it was thrown out', async () => {
      const { client_id: known } = provider.client;
      await revoke(provider);
      const again = await connect(sdk, provider);
      t.after(() => again.close());
      await assertLetIn(again, provider);
      assert.equal(provider.client.client_id, known, 'its registration holds');
    });

    await t.test('registers anew when the server does not know it any more', async () => {
      await revoke(provider);
      provider.saveClientInformation({ ...provider.client, client_id: 'from-another-server' });
      const again = await connect(sdk, provider);
      t.after(() => again.close());
      await assertLetIn(again, provider);
      assert.notEqual(provider.client.client_id, 'from-another-server', 'a registration of this server');
    });
  });

  test(`${sdk.name}, by its metadata document`, async t => {
    const name = `A published app of ${sdk.name}`;
    const path = `/apps/${index}.json`;
    const grant_types = ['authorization_code', 'refresh_token'];
    // Without a port, as Claude Code's document has it.
    const address = documents.publish(path, { client_name: name, redirect_uris: ['http://localhost/callback'], grant_types });
    const provider = app(name, address);
    const client = await connect(sdk, provider);
    t.after(() => client.close());
    await assertLetIn(client, provider);
    await t.test('refreshes by itself', () => assertRefreshes(sdk, client, provider));

    await t.test('comes back after it was thrown out', async () => {
      await revoke(provider);
      const again = await connect(sdk, provider);
      t.after(() => again.close());
      await assertLetIn(again, provider);
    });

    await t.test('comes with nothing but its document, which is read once', () => {
      assert.equal(provider.client.client_id, address, 'the address is the client id');
      assert.equal(documents.asked.filter(asked => asked === path).length, 1, 'kept for at least a minute');
    });
  });
}
