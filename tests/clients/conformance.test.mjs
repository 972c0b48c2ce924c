// The official conformance suite's scenarios for authorization servers, against a running jean. The suite prints an
// address for a person to open; here Chromium opens it and agrees.
//
//   JEAN_BIN   the program, ../../target/debug/jean by default
//   CHROMIUM   the browser, /usr/bin/chromium by default

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { serveDocuments } from './documents.mjs';
import { agree } from './person.mjs';
import { freePorts, startJean } from './server.mjs';
import { runSuite } from './suite.mjs';

let jean, browser, documents, port;

before(async () => {
  jean = await startJean();
  browser = await openBrowser();
  documents = await serveDocuments();
  [port] = await freePorts(1);
});

after(async () => {
  documents?.close();
  await browser?.close();
  await jean?.remove();
});

const client = () => ({ client_name: 'The conformance suite', redirect_uris: [`http://127.0.0.1:${port}/callback`] });

const published = () => documents.publish('/conformance.json', client());

async function registered() {
  const response = await fetch(`${jean.url}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...client(), token_endpoint_auth_method: 'none' }),
  });
  assert.equal(response.status, 201, 'the suite is registered');
  return (await response.json()).client_id;
}

/** Runs all scenarios of a revision. */
function run(revision, options) {
  const args = ['authorization', '--url', jean.url, '--port', String(port), '--spec-version', revision, ...options];
  return runSuite(args, {
    asks: /^http\S+\/oauth\/authorize\?\S+$/m,
    answer: ([address]) => agree(browser.page, address, url => url.port === String(port)),
  });
}

const checksOf = revision => [
  'authorization-code-grant',
  'authorization-server-metadata',
  ...(revision >= '2025-11-25' ? ['authorization-server-metadata-cimd'] : []),
];

for (const revision of ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']) {
  for (const [who, clientId, options] of [
    ['a registered client', registered, () => ['--resource', jean.mcp]],
    ['a registered client that names no resource', registered, () => []],
    ['a client with a metadata document', published, () => ['--resource', jean.mcp]],
  ]) {
    test(`MCP ${revision}: every scenario passes for ${who}`, async () => {
      const { status, said, checks } = await run(revision, ['--client-id', await clientId(), ...options()]);
      const passed = checks.filter(({ status }) => status === 'SUCCESS').map(({ id }) => id);
      assert.deepEqual(passed.sort(), checksOf(revision), said);
      assert.equal(status, 0, said);
    });
  }
}
