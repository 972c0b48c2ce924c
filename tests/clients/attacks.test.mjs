// What an app can try that nobody knows, in a real Chromium: to be called by the name of a confirmed host, to get a code
// without a question by an address of this computer, to have a link to jean lead to a place of its choice, to begin
// journeys without end, and to have somebody else finish one.
//
//   JEAN_BIN   the program, ../../target/debug/jean by default
//   CHROMIUM   the browser, /usr/bin/chromium by default
//
// Screenshots go to target/screenshots.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { certificate } from './certificate.mjs';
import { agree } from './person.mjs';
import { listenForAnswers } from './provider.mjs';
import { startJean } from './server.mjs';

const SITE = 'app.example';
const WHOEVER = 'Ada Lovelace';
let jean, browser, page, onTheWeb, onThisComputer;

before(async () => {
  jean = await startJean({ JEAN_CLIENTS__REMEMBER_CONSENT: 'true' });
  onTheWeb = await listenForAnswers({ host: SITE, tls: await certificate(SITE) });
  onThisComputer = await listenForAnswers({ host: 'localhost', tls: await certificate('localhost') });
  browser = await openBrowser({ sites: { [SITE]: onTheWeb.port, localhost: onThisComputer.port } });
  page = browser.page;
});

after(async () => {
  onTheWeb?.close();
  onThisComputer?.close();
  await browser?.close();
  await jean?.remove();
});

afterEach(() => {
  assert.deepEqual(browser.faults.splice(0), [], 'no policy is broken, no other site is asked, every text can be read');
});

/** An app that registers itself under a name and with addresses of its choice. */
class App {
  static async register(name, redirectUris) {
    const app = new App();
    [app.redirectUri] = redirectUris;
    app.metadata = {
      client_name: name,
      redirect_uris: redirectUris,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    };
    app.registered = await app.#send('POST', `${jean.url}/oauth/register`, app.metadata);
    app.clientId = app.registered.client_id;
    return app;
  }

  /** Replaces what it registered (RFC 7592). */
  async update(changes) {
    const { registration_client_uri: uri, registration_access_token: token } = this.registered;
    await this.#send('PUT', uri, { ...this.metadata, ...changes, client_id: this.clientId }, `Bearer ${token}`);
  }

  async #send(method, url, body, authorization) {
    const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) };
    const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
    assert.ok(response.ok, `${method} ${url}: ${response.status}`);
    return response.json();
  }

  /** The address of a new authorization request. */
  request(changes = {}) {
    this.verifier = randomBytes(32).toString('base64url');
    const url = new URL(`${jean.url}/oauth/authorize`);
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: this.clientId,
      redirect_uri: this.redirectUri,
      code_challenge: createHash('sha256').update(this.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      state: randomBytes(8).toString('hex'),
      resource: jean.mcp,
      ...changes,
    });
    return url.href;
  }

  /** The person agrees to everything, and the app redeems its code. */
  async allowed() {
    await agree(page, this.request(), ({ href }) => href.startsWith(this.redirectUri), WHOEVER);
    const fields = {
      grant_type: 'authorization_code',
      client_id: this.clientId,
      code: new URL(page.url()).searchParams.get('code'),
      redirect_uri: this.redirectUri,
      code_verifier: this.verifier,
    };
    const response = await fetch(`${jean.url}/oauth/token`, { method: 'POST', body: new URLSearchParams(fields) });
    assert.equal(response.status, 200, 'the code gives tokens');
  }
}

const press = value => page.locator(`button[name=answer][value="${value}"]`).first().click();
const onward = (tab = page) => tab.getByRole('button', { name: /^Continue with / }).first();
const heading = () => page.getByRole('heading', { level: 1 }).innerText();
const text = () => page.locator('body').innerText();
const isAtJean = () => new URL(page.url()).origin === jean.url;

/** Signs in at the provider, unless it knows the person. */
async function signIn(tab, name) {
  const field = tab.locator('input[name=name]');
  const done = tab.getByRole('heading', { level: 1, name: /another browser|^Continue as/ });
  await field.or(done).first().waitFor();
  if (!(await field.count())) return;
  await field.fill(name);
  await tab.locator('button[value="sign-in"]').click();
}

test('an app that calls itself claude.ai is called so on no page', async () => {
  const named = async where => {
    const shown = `${await page.title()}\n${await text()}`;
    const all = shown.match(/“?(claude\.ai|ｃｌａｕｄｅ。ａｉ)”?( \(unverified\))?/g) ?? [];
    assert.ok(all.length > 0, `${where} names the app:\n${shown}`);
    for (const one of all) assert.match(one, /^“.*” \(unverified\)$/, `${where}:\n${shown}`);
    assert.doesNotMatch(shown, /✅|\bis confirmed|\(verified\)/, where);
  };
  for (const name of ['ｃｌａｕｄｅ。ａｉ', 'claude.ai (verified) ✅']) {
    const app = await App.register(name, [onTheWeb.redirectUri]);
    await page.goto(app.request());
    assert.match(await heading(), /^Allow “.*” \(unverified\) to use /);
    await named('the first page');
  }
  const app = await App.register('claude.ai', [onTheWeb.redirectUri]);
  await page.goto(app.request());
  await browser.look('attack-name-consent');
  await onward().click();
  await signIn(page, WHOEVER);
  await page.getByRole('heading', { level: 1, name: /^Continue as/ }).waitFor();
  await named('the page after the sign-in');
  await browser.look('attack-name-confirm');

  // An answer without content leaves the browser on the page that moves on by itself.
  await page.route(`${app.redirectUri}**`, route => route.fulfill({ status: 204 }));
  await press('continue');
  await page.getByRole('heading', { level: 1, name: /^On to/ }).waitFor();
  await named('the page that moves on');
  await browser.look('attack-name-leaving');
  await page.unroute(`${app.redirectUri}**`);

  await page.goto(app.request({ redirect_uri: 'https://app.example/other' }));
  await named('the page of a problem');
  await browser.look('attack-name-problem');
});

test('an address of this computer or its network is asked for each time, also by https', async () => {
  const web = await App.register('On the web', [onTheWeb.redirectUri]);
  await web.allowed();
  await page.goto(web.request());
  await page.waitForURL(({ href }) => href.startsWith(web.redirectUri));

  const app = await App.register('On localhost', [onThisComputer.redirectUri]);
  assert.equal(app.redirectUri, 'https://localhost/callback');
  await app.allowed();
  for (let i = 0; i < 2; i += 1) {
    await page.goto(app.request());
    assert.ok(isAtJean(), `nothing is sent without a question: ${page.url()}`);
    assert.match(await text(), /Did you start this yourself, just now\?/);
    assert.match(await text(), /You return to\s+an app on this computer/);
  }
  await browser.look('attack-localhost');
  // Nor does an error go there by itself, where anything on the computer may answer.
  const before = onThisComputer.received.length;
  await page.goto(app.request({ prompt: 'none' }));
  assert.ok(isAtJean(), `an error waits for a click: ${page.url()}`);
  assert.equal(onThisComputer.received.length, before);

  const device = await App.register('On a device', ['https://192.168.1.5:8443/callback']);
  await page.goto(device.request());
  assert.match(await text(), /You return to\s+a device in your network, 192\.168\.1\.5:8443/);
  assert.match(await text(), /Did you start this yourself, just now\?/);
  await browser.look('attack-network');
});

test('a link with a mistake in it leads nowhere by itself', async () => {
  const mistake = { response_type: 'token' };
  const stays = async (app, label, request = mistake) => {
    await page.goto(app.request(request));
    assert.ok(isAtJean(), `the browser stays: ${page.url()}`);
    await page.getByRole('link', { name: label }).waitFor();
  };
  // A scheme that starts a program, with arguments of a stranger's choice.
  const zoom = await App.register('Zoom', ['zoommtg://zoom.example/join?action=join&confno=1']);
  for (const request of [mistake, { prompt: 'none' }]) await stays(zoom, 'Open the app for zoommtg: links', request);
  await browser.look('attack-scheme');
  // The same after it was allowed something at another address, and changed its registration.
  const app = await App.register('A site', [onTheWeb.redirectUri]);
  await app.allowed();
  await app.update({ redirect_uris: [onTheWeb.redirectUri, 'https://evil.example/', 'zoommtg://zoom.example/join'] });
  for (const [uri, label] of [
    ['https://evil.example/', 'Back to evil.example'],
    ['zoommtg://zoom.example/join', 'Open the app for zoommtg: links'],
  ]) {
    await stays(app, label, { ...mistake, redirect_uri: uri });
  }
  await page.goto(app.request({ ...mistake, redirect_uri: 'https://evil.example/' }));
  await browser.look('attack-site');
  // Where its code went an error goes at once.
  await page.goto(app.request(mistake));
  await page.waitForURL(({ href }) => href.startsWith(app.redirectUri));
  assert.equal(onTheWeb.received.at(-1).get('error'), 'unsupported_response_type');
  // A button that the person presses leads to the app, known or not.
  const unknown = await App.register('Unknown', [onTheWeb.redirectUri]);
  await page.goto(unknown.request());
  await press('cancel');
  await page.waitForURL(({ href }) => href.startsWith(unknown.redirectUri));
  assert.equal(onTheWeb.received.at(-1).get('error'), 'access_denied');
});

test('one form begins eight journeys, and the ninth press leads to a page', async () => {
  await page.context().clearCookies();
  const app = await App.register('Many', [onTheWeb.redirectUri]);
  await page.goto(app.request());
  const value = name => page.locator(`input[name=${name}]`).inputValue();
  const form = { request: await value('request'), token: await value('token'), answer: 'upstream:dev' };
  const address = await page.locator('form').evaluate(form => form.action);
  for (let i = 0; i < 8; i += 1) {
    const answer = await page.context().request.post(address, { form, maxRedirects: 0 });
    assert.equal(answer.status(), 200, 'the way to the provider');
  }
  const [answer] = await Promise.all([page.waitForResponse(address), onward().click()]);
  assert.equal(answer.status(), 429);
  assert.match(await text(), /start again from there/);
  assert.equal(await page.locator('form').count(), 0, 'and leads on by nothing');
  await browser.look('attack-form');
  await app.allowed();
});

test('a sign-in that ends in another browser is refused there, and goes on in the first', async () => {
  await page.context().clearCookies();
  const app = await App.register('In two browsers', [onTheWeb.redirectUri]);
  const first = await page.context().browser().newContext({ javaScriptEnabled: false, ignoreHTTPSErrors: true });
  try {
    const tab = await first.newPage();
    await tab.goto(app.request());
    await onward(tab).click();
    await tab.locator('input[name=name]').waitFor();
    const before = onTheWeb.received.length;
    const atTheProvider = tab.url();

    await page.goto(atTheProvider);
    await signIn(page, 'Bob');
    await page.getByRole('heading', { level: 1, name: 'This sign-in began in another browser' }).waitFor();
    assert.match(await text(), /Go back to the app and start again there\./);
    await browser.look('other-browser');
    const cookies = (await page.context().cookies(jean.url)).map(({ name }) => name);
    assert.ok(!cookies.includes('jean-session'), 'nobody is signed in there');
    assert.equal(onTheWeb.received.length, before, 'the app has heard nothing');

    await signIn(tab, WHOEVER);
    await tab.getByRole('heading', { level: 1, name: /^Continue as ada-lovelace@/ }).waitFor();
    await tab.locator('button[name=answer][value="continue"]').click();
    await tab.waitForURL(({ href }) => href.startsWith(app.redirectUri));
    assert.ok(onTheWeb.received.at(-1).get('code'), 'the first browser has come to the app');
  } finally {
    await first.close();
  }
});
