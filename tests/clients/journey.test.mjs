// The official MCP SDK and a real Chromium against a running jean, from the first 401 to the last.
//
//   JEAN_BIN   the program, ../../target/debug/jean by default
//   CHROMIUM   the browser, /usr/bin/chromium by default
//
// Screenshots go to target/screenshots. The steps follow one another; after a step that failed the later ones are skipped.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { auth, extractWWWAuthenticateParams, refreshAuthorization, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { openBrowser } from './browser.mjs';
import { App, listenForAnswers } from './provider.mjs';
import { startJean } from './server.mjs';

const ADA = 'Ada Lovelace';
const open = [];
let jean, browser, answers, page;
let failed = false;

after(async () => {
  if (failed && browser) console.error(await browser.describe().catch(error => `No picture of the browser: ${error.message}`));
  if (failed && jean) console.error(`The server's log:\n${jean.log()}`);
  await Promise.allSettled(open.map(client => client.close()));
  answers?.close();
  await browser?.close();
  await jean?.remove();
});

/** One test. It is skipped after a failure, unless it stands `alone` and the server and the browser are there. */
function step(name, run, { alone = false } = {}) {
  test(name, async t => {
    if (failed && !(alone && page)) return t.skip('an earlier step failed');
    try {
      await Promise.race([run(), tooLate(60_000)]);
    } catch (error) {
      failed = true;
      throw error;
    }
  });
}

async function tooLate(patience) {
  await sleep(patience, undefined, { ref: false });
  throw new Error(`not done after ${patience / 1000} s`);
}

const button = name => page.getByRole('button', { name });
const answerButton = value => page.locator(`button[name=answer][value="${value}"]`);

/** What the person does from the authorization page on, until the browser is back at the app. */
function inTheBrowser(act) {
  return async url => {
    await page.goto(url.href);
    await act();
    await page.waitForURL(({ pathname }) => pathname === '/callback');
  };
}

/** Connects as a client that has no token yet: the person is asked, the answer is checked, the connection made. */
async function connect(app) {
  await assert.rejects(
    new Client({ name: app.name, version: '1.0.0' }).connect(transport(app)),
    UnauthorizedError,
    'the SDK sends the person to the browser first',
  );
  const code = app.trustedAnswer().get('code');
  assert.ok(code, `the answer has a code: ${app.answer}`);
  await transport(app).finishAuth(code);

  const client = new Client({ name: app.name, version: '1.0.0' });
  await client.connect(transport(app));
  open.push(client);
  return client;
}

function transport(app) {
  return new StreamableHTTPClientTransport(new URL(jean.mcp), { authProvider: app });
}

async function whoami(client) {
  const result = await client.callTool({ name: 'whoami', arguments: {} });
  assert.ok(!result.isError, `whoami succeeds: ${JSON.stringify(result)}`);
  return JSON.stringify([result.content, result.structuredContent]);
}

/** A plain `initialize`, as a client without the SDK sends it. */
function post(token) {
  return fetch(jean.mcp, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'plain', version: '1.0.0' } },
    }),
  });
}

function refresh(app, refreshToken) {
  return refreshAuthorization(app.discovery.authorizationServerUrl, { ...app.request, refreshToken });
}

let first, second, firstClient, secondClient;

step('jean starts with the shipped jean.toml', async () => {
  jean = await startJean();
  answers = await listenForAnswers();
  browser = await openBrowser();
  page = browser.page;
});

step('a call without a token is answered with the way to get one', async () => {
  const response = await post();
  assert.equal(response.status, 401, 'no token, no entry');
  const challenge = response.headers.get('www-authenticate') ?? '';
  assert.match(challenge, /^Bearer /i, 'the challenge is for a bearer token');
  assert.doesNotMatch(challenge, /\berror\s*=/, 'nothing was presented, so nothing is called wrong');
  const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(response);
  assert.ok(resourceMetadataUrl, `the challenge has resource_metadata: ${challenge}`);
  assert.ok(scope, `the challenge has scope: ${challenge}`);
});

step('a new person is asked, signs in, confirms and comes back to the app with a code', async () => {
  first = new App('Journey One', answers, inTheBrowser(async () => {
    const text = await page.locator('body').innerText();
    assert.ok(text.includes('Journey One'), `the consent page names the app:\n${text}`);
    const onward = button(/^Continue with /).first();
    await onward.waitFor();
    await browser.look('consent');
    assert.equal(await onward.getAttribute('name'), 'answer', 'the button is the answer to the question');
    assert.match(await onward.getAttribute('value'), /^upstream:/, 'the answer names the identity provider');
    await onward.click();

    await page.locator('input[name=name]').waitFor();
    await browser.look('dev-login');
    await page.locator('input[name=name]').fill(ADA);
    await answerButton('sign-in').click();

    await answerButton('continue').waitFor();
    assert.match(await page.locator('body').innerText(), /Continue as /, 'the person sees which account goes on');
    await browser.look('confirm');
    await answerButton('continue').click();
  }));
  firstClient = await connect(first);
  assert.equal(first.metadata.issuer, jean.url, 'the issuer is exactly public_url');
  assert.ok(first.saved.refresh_token, 'the app got a refresh token');
});

step('the tool whoami knows the person, the app and its scopes', async () => {
  const { tools } = await firstClient.listTools();
  assert.ok(tools.some(tool => tool.name === 'whoami'), `whoami is one of ${tools.map(tool => tool.name)}`);
  const answer = await whoami(firstClient);
  assert.ok(answer.includes(ADA), `the name of the person: ${answer}`);
  assert.match(answer, /[^\s"\\]+@[^\s"\\]+/, 'an e-mail address');
  assert.ok(answer.includes(first.name) || answer.includes(first.client.client_id), `the app: ${answer}`);
  assert.ok(first.saved.scope, 'the token answer names the scopes');
  for (const scope of first.saved.scope.split(' ')) assert.ok(answer.includes(scope), `the scope ${scope}: ${answer}`);
});

step('a refresh gives new tokens, and the same ones when its answer was lost', async () => {
  const old = first.saved;
  const renewed = await refresh(first, old.refresh_token);
  assert.notEqual(renewed.access_token, old.access_token, 'a new access token');
  assert.notEqual(renewed.refresh_token, old.refresh_token, 'a new refresh token');
  const again = await refresh(first, old.refresh_token);
  assert.equal(again.refresh_token, renewed.refresh_token, 'the old refresh token once more leads to the same successor');
  first.saveTokens({ ...again, issuer: old.issuer });
  assert.match(await whoami(firstClient), new RegExp(ADA), 'the new access token works');
});

step('the SDK refreshes by itself, without the browser', async () => {
  const old = first.saved;
  assert.equal(await auth(first, { serverUrl: jean.mcp }), 'AUTHORIZED', 'the SDK needs nobody');
  assert.notEqual(first.saved.refresh_token, old.refresh_token, 'the refresh token moved on');
  assert.match(await whoami(firstClient), new RegExp(ADA), 'the access token works');
});

step('a person who is signed in allows a second app with one click', async () => {
  second = new App('Journey Two', answers, inTheBrowser(async () => {
    const allow = button(/^Allow/);
    await allow.waitFor();
    const text = await page.locator('body').innerText();
    assert.ok(text.includes(ADA) || /\S+@\S+/.test(text), `the consent page shows the account:\n${text}`);
    await browser.look('consent-signed-in');
    await allow.click();
  }));
  secondClient = await connect(second);
  assert.notEqual(second.client.client_id, first.client.client_id, 'each app has its own registration');
  assert.match(await whoami(secondClient), new RegExp(ADA), 'the second app calls for the same person');
});

step('Cancel goes back to the app with access_denied', async () => {
  const third = new App('Journey Three', answers, inTheBrowser(() => button('Cancel').click()));
  assert.equal(await auth(third, { serverUrl: jean.mcp }), 'REDIRECT', 'the SDK sends the person to the browser');
  const answer = third.trustedAnswer();
  assert.equal(answer.get('error'), 'access_denied', `the app learns why: ${answer}`);
  assert.equal(answer.get('code'), null, 'no code');
});

step('a revoked app is out at once, and only that app', async () => {
  const { access_token, refresh_token } = first.saved;
  assert.equal(first.metadata.revocation_endpoint, `${jean.url}/oauth/revoke`, 'the metadata names the endpoint');
  const response = await fetch(first.metadata.revocation_endpoint, {
    method: 'POST',
    body: new URLSearchParams({ client_id: first.client.client_id, token: refresh_token }),
  });
  assert.equal(response.status, 200, 'a public client revokes with its client_id alone');
  const refused = await post(access_token);
  assert.equal(refused.status, 401, 'the access token ends with its grant');
  assert.match(refused.headers.get('www-authenticate') ?? '', /error="?invalid_token/, 'the challenge says what is wrong');
  await assert.rejects(refresh(first, refresh_token), { errorCode: 'invalid_grant' }, 'the refresh token too');
  assert.match(await whoami(secondClient), new RegExp(ADA), 'the second app goes on');
});

for (const [name, path, expected] of [
  ['landing', '/', /^200$/],
  ['status', '/status', /^200$/],
  ['unknown-client', '/oauth/authorize?response_type=code&client_id=nobody&redirect_uri=http%3A%2F%2Flocalhost%2Fcallback', /^4\d\d$/],
]) {
  step(`the page ${name} is drawn`, async () => {
    const response = await page.goto(jean.url + path);
    assert.match(String(response.status()), expected, `the status of ${path}`);
    assert.match(response.headers()['content-type'] ?? '', /^text\/html/, `${path} is a page`);
    assert.equal(page.url(), jean.url + path, 'the person stays on the page');
    await browser.look(name);
  }, { alone: true });
}

for (const [rule, name] of [
  ['sideways', 'no page scrolls sideways, at 320 px neither'],
  ['console', 'no page breaks its content security policy or logs an error'],
  ['elsewhere', 'no page loads anything from elsewhere'],
  ['structure', 'every page has a title, a language, one heading, labelled fields and no script'],
  ['contrast', 'every text has a contrast of 4.5 : 1'],
]) {
  step(name, () => {
    assert.ok(browser.seen.length > 0, 'pages were seen');
    assert.deepEqual(browser.faults.filter(fault => fault.rule === rule).map(fault => fault.what), [], name);
  }, { alone: true });
}

step('asked to stop, the server ends well within five seconds, with an app and a browser still connected', async () => {
  const end = await jean.stop();
  assert.ok(!end.late, 'the server ends by itself');
  assert.equal(end.code, 0, `the exit status, after ${end.ms} ms (signal: ${end.signal})`);
}, { alone: true });
