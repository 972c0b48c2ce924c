// The official conformance suite's scenarios for MCP servers, against the built-in one behind the guard. The suite knows no
// tokens, so a gate in between puts one on each call; it changes nothing else.
//
//   JEAN_BIN   the program, ../../target/debug/jean by default
//   CHROMIUM   the browser, /usr/bin/chromium by default

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { agree } from './person.mjs';
import { App, listenForAnswers } from './provider.mjs';
import { sdks } from './sdks.mjs';
import { startJean } from './server.mjs';
import { runSuite } from './suite.mjs';

const [sdk] = sdks;
let jean, gate, url, token;

before(async () => {
  gate = createServer((call, answer) => {
    const headers = token ? { ...call.headers, authorization: `Bearer ${token}` } : call.headers;
    const { port } = new URL(jean.url);
    const onward = request({ host: '127.0.0.1', port, path: call.url, method: call.method, headers }, response => {
      answer.writeHead(response.statusCode, response.headers);
      response.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    call.pipe(onward);
  });
  gate.listen(0, '127.0.0.1');
  await once(gate, 'listening');
  // The public address is the gate's, as it is behind a proxy.
  const address = `http://localhost:${gate.address().port}`;
  jean = await startJean({ JEAN_PUBLIC_URL: address });
  url = `${address}/mcp`;
  token = await signIn();
});

after(async () => {
  gate?.closeAllConnections();
  gate?.close();
  await jean?.remove();
});

async function signIn() {
  const answers = await listenForAnswers();
  const browser = await openBrowser();
  try {
    const person = address => agree(browser.page, address.href, ({ pathname }) => pathname === '/callback');
    const app = new App('The conformance suite', answers, person);
    assert.equal(await sdk.auth(app, { serverUrl: url }), 'REDIRECT', 'the person is asked');
    const authorizationCode = app.trustedAnswer().get('code');
    assert.equal(await sdk.auth(app, { serverUrl: url, authorizationCode }), 'AUTHORIZED', 'the person agreed');
    return app.saved.access_token;
  } finally {
    answers.close();
    await browser.close();
  }
}

// The rest of the suite is for tools, resources and prompts that a server has for the suite alone.
for (const [revision, scenarios] of [
  ['2025-06-18', ['server-initialize', 'ping', 'tools-list']],
  ['2025-11-25', ['server-initialize', 'ping', 'tools-list', 'dns-rebinding-protection']],
  ['2026-07-28', ['tools-list', 'dns-rebinding-protection', 'http-header-validation', 'server-stateless']],
]) {
  for (const scenario of scenarios) {
    test(`MCP ${revision}: ${scenario}`, async () => {
      const { said, checks } = await runSuite(['server', '--url', url, '--scenario', scenario, '--spec-version', revision]);
      const tested = checks.filter(({ errorMessage = '' }) => !errorMessage.startsWith('Not testable'));
      const failed = tested.filter(({ status }) => status === 'FAILURE');
      assert.deepEqual(failed.map(({ id, errorMessage }) => [id, errorMessage]), [], said);
      assert.ok(tested.some(({ status }) => status === 'SUCCESS'), said);
    });
  }
}
