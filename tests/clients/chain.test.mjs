// The whole chain of redirects in a real Chromium without JavaScript: consent, identity provider, callback, app. It runs
// through in one go where nothing is left to ask, and whatever a person does in the middle of it, reload, back or a second
// tab, the app ends up with exactly one code that works.
//
//   JEAN_BIN   the program, ../../target/debug/jean by default
//   CHROMIUM   the browser, /usr/bin/chromium by default

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { certificate } from './certificate.mjs';
import { listenForAnswers } from './provider.mjs';
import { startJean } from './server.mjs';

const SITE = 'app.example';
let jean, browser, page, onThisComputer, onTheWeb;

before(async () => {
  jean = await startJean();
  onThisComputer = await listenForAnswers();
  onTheWeb = await listenForAnswers({ host: SITE, tls: await certificate(SITE) });
  browser = await openBrowser({ sites: { [SITE]: onTheWeb.port } });
  page = browser.page;

  // The identity provider remembers whoever signed in last, so from now on it answers at once.
  const app = await App.register('The first app', onThisComputer);
  await app.begin();
  await page.locator('input[name=name]').fill('Ada Lovelace');
  await page.locator('button[value="sign-in"]').click();
  await pressContinue();
  await app.arrived();
});

after(async () => {
  onThisComputer?.close();
  onTheWeb?.close();
  await browser?.close();
  await jean?.remove();
});

// Each test begins in a browser that the provider knows and jean does not.
beforeEach(forgetJean);

async function forgetJean() {
  const context = page.context();
  const cookies = await context.cookies();
  assert.ok(cookies.some(({ name }) => name === 'jean_dev_account'), 'the provider remembers who signed in');
  for (const { name } of cookies.filter(({ name }) => name.startsWith('jean-'))) await context.clearCookies({ name });
  const left = (await context.cookies()).map(({ name }) => name);
  assert.deepEqual(left, ['jean_dev_account'], 'and nothing of jean is left');
}

/** An app that registers itself, and what became of its requests. */
class App {
  static async register(name, answers) {
    const app = new App();
    Object.assign(app, { name, answers });
    const response = await fetch(`${jean.url}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_name: name, redirect_uris: [answers.redirectUri], token_endpoint_auth_method: 'none' }),
    });
    assert.equal(response.status, 201, 'the app is registered');
    app.clientId = (await response.json()).client_id;
    app.redirectUri = answers.redirectUri;
    return app;
  }

  /** The address of a new authorization request. */
  request() {
    this.state = randomBytes(16).toString('base64url');
    this.verifier = randomBytes(32).toString('base64url');
    this.answersBefore = this.answers.received.length;
    const url = new URL(`${jean.url}/oauth/authorize`);
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: this.clientId,
      redirect_uri: this.redirectUri,
      code_challenge: createHash('sha256').update(this.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      state: this.state,
      resource: jean.mcp,
    });
    return url.href;
  }

  /** Sends the browser to the consent page, and presses the button that leads to the provider. */
  async begin(tab = page) {
    await tab.goto(this.request());
    const text = await tab.locator('body').innerText();
    assert.ok(text.includes(this.name), `the consent page names the app:\n${text}`);
    await pressOnward(tab);
  }

  /** The answers to this request so far. */
  get received() {
    return this.answers.received.slice(this.answersBefore);
  }

  /** Waits until the browser is at the app, and checks the answer that it brought. */
  async arrived(tab = page) {
    await tab.waitForURL(url => url.href.startsWith(this.redirectUri));
    const answer = this.received.at(-1);
    assert.ok(answer?.get('code'), `the answer has a code: ${answer}`);
    assert.equal(answer.get('state'), this.state, 'the state comes back as it was sent');
    assert.equal(answer.get('iss'), jean.url, 'iss is the issuer');
    assert.equal(answer.get('error'), null, 'no error');
    return answer;
  }

  /** Tries all codes that came, the oldest first; answers how many gave tokens that open the door. */
  async usableCodes() {
    let usable = 0;
    for (const answer of this.received) {
      const response = await fetch(`${jean.url}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          client_id: this.clientId,
          code: answer.get('code'),
          redirect_uri: this.redirectUri,
          code_verifier: this.verifier,
          resource: jean.mcp,
        }),
      });
      const body = await response.json();
      if (response.ok) {
        usable += 1;
        assert.equal(await statusOfCall(body.access_token), 200, 'the access token opens the door');
      } else {
        assert.equal(body.error, 'invalid_grant', 'any other code is refused as such');
      }
    }
    return usable;
  }
}

async function statusOfCall(token) {
  const response = await fetch(jean.mcp, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'chain', version: '1.0.0' } },
    }),
  });
  return response.status;
}

const onward = tab => tab.getByRole('button', { name: /^Continue with / }).first();
const goOn = tab => tab.locator('button[name=answer][value=continue]');
const pressOnward = (tab = page) => onward(tab).click();
const pressContinue = (tab = page) => goOn(tab).click();

/** What the browser asks for while `act` runs: each hop's method, and its path, or its address where it is not jean's. */
async function hops(act) {
  const seen = [];
  const note = request => {
    if (!request.isNavigationRequest()) return;
    const { origin, pathname } = new URL(request.url());
    const path = pathname.replace(/^(\/oauth\/login\/).*/, '$1ID');
    seen.push(`${request.method()} ${origin === jean.url ? '' : origin.replace(/:\d+$/, '')}${path}`);
  };
  page.on('request', note);
  try {
    await act();
  } finally {
    page.off('request', note);
  }
  return seen;
}

/** The chain from the press on the consent page to the journey's own page. */
const CHAIN = ['POST /oauth/consent', 'GET http://127.0.0.1/authorize', 'GET /oauth/callback/dev', 'GET /oauth/login/ID'];

function noFaults() {
  assert.deepEqual(browser.faults.filter(({ rule }) => rule !== 'contrast'), [], 'no policy is broken, no error is logged');
}

for (const [where, answers, target] of [
  ['an app on this computer', () => onThisComputer, 'GET http://localhost/callback'],
  ['an app on the web', () => onTheWeb, `GET https://${SITE}/callback`],
]) {
  test(`one press leads ${where} that is known through the whole chain`, async () => {
    const app = await App.register('A known app', answers());
    await app.begin();
    await pressContinue();
    await app.arrived();
    assert.equal(await app.usableCodes(), 1, 'the first time');
    await forgetJean();

    await page.goto(app.request());
    const seen = await hops(async () => {
      await pressOnward();
      await app.arrived();
    });
    assert.deepEqual(seen, [...CHAIN, target], 'each hop once, and no page in between that waits');
    assert.equal(app.received.length, 1, 'one answer');
    assert.equal(await app.usableCodes(), 1, 'one code that works');
    noFaults();
  });

  test(`one press leads ${where} that is new to the question who goes on`, async () => {
    const app = await App.register('A new app', answers());
    await page.goto(app.request());
    const seen = await hops(async () => {
      await pressOnward();
      await goOn(page).waitFor();
    });
    assert.deepEqual(seen, CHAIN, 'each hop once');
    assert.match(await page.locator('body').innerText(), /Continue as /, 'the person sees which account goes on');
    assert.equal(app.received.length, 0, 'nothing has reached the app');
    const rest = await hops(async () => {
      await pressContinue();
      await app.arrived();
    });
    assert.deepEqual(rest, ['POST /oauth/login/ID', target], 'the answer leaves by one press');
    assert.equal(await app.usableCodes(), 1, 'one code that works');
    noFaults();
  });
}

test('reloading the question who goes on changes nothing', async () => {
  const app = await App.register('Reload', onThisComputer);
  await app.begin();
  await goOn(page).waitFor();
  const address = page.url();
  for (let i = 0; i < 3; i += 1) await page.reload();
  assert.equal(page.url(), address, 'the person stays where they are');
  assert.equal(app.received.length, 0, 'nothing has reached the app');
  await pressContinue();
  await app.arrived();
  assert.equal(app.received.length, 1, 'one answer');
  assert.equal(await app.usableCodes(), 1, 'one code that works');
  noFaults();
});

test('back from the question who goes on to the consent page, and through again', async () => {
  const app = await App.register('Back', onThisComputer);
  await app.begin();
  await goOn(page).waitFor();
  await page.goBack();
  assert.equal(new URL(page.url()).pathname, '/oauth/authorize', 'back at the consent page');
  // The person is signed in by now, and the page knows it.
  const allow = page.getByRole('button', { name: 'Allow', exact: true });
  await allow.waitFor();
  await page.reload();
  await allow.click();
  await app.arrived();
  assert.equal(app.received.length, 1, 'one answer');
  assert.equal(await app.usableCodes(), 1, 'one code that works');
  noFaults();
});

test('back from the app after the answer leads to the app again, and only the last code works', async () => {
  const app = await App.register('Back from the app', onThisComputer);
  await app.begin();
  await pressContinue();
  await app.arrived();
  await page.goBack();
  await app.arrived();
  assert.equal(app.received.length, 2, 'the app got another answer');
  assert.notEqual(app.received[0].get('code'), app.received[1].get('code'), 'with another code');
  assert.equal(await app.usableCodes(), 1, 'one code that works');
  noFaults();
});

test('back from the app after its code was used leads to a page that says so', async () => {
  const app = await App.register('Back, too late', onThisComputer);
  await app.begin();
  await pressContinue();
  await app.arrived();
  assert.equal(await app.usableCodes(), 1, 'one code that works');
  await page.goBack();
  await page.getByRole('heading', { level: 1 }).waitFor();
  assert.match(new URL(page.url()).pathname, /^\/oauth\/login\//, "at the journey's own page");
  assert.equal(app.received.length, 1, 'the app is not bothered again');
  noFaults();
});

test('a consent page that became stale in another tab is shown again, and works', async () => {
  const app = await App.register('Two tabs', onThisComputer);
  await page.goto(app.request());
  await onward(page).waitFor();

  const other = await browser.tab();
  const elsewhere = await App.register('In the other tab', onThisComputer);
  await elsewhere.begin(other);
  await pressContinue(other);
  await elsewhere.arrived(other);
  await other.close();
  app.answersBefore = onThisComputer.received.length;

  await pressOnward();
  await page.getByRole('status').waitFor();
  assert.equal(app.received.length, 0, 'nothing has reached the app');
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await app.arrived();
  assert.equal(app.received.length, 1, 'one answer');
  assert.equal(await app.usableCodes(), 1, 'one code that works');
  noFaults();
});
