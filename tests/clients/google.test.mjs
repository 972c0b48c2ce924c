// People who sign in with Google, by a look-alike of it, in a real Chromium without JavaScript: whose address opens the
// door, and what the page says if Google cannot do what the app asks for.
//
//   JEAN_BIN   the program, ../../target/debug/jean by default
//   CHROMIUM   the browser, /usr/bin/chromium by default

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { CLIENT, startGoogle } from './google.mjs';
import { listenForAnswers } from './provider.mjs';
import { startJean } from './server.mjs';

const ADDRESS = 'ada@example.com';
const consumer = { sub: '1', name: 'Ada', email: ADDRESS, email_verified: true };
const colleague = { ...consumer, sub: '2', hd: 'example.com' };
let google, jean, answers, browser, page, app;

before(async () => {
  google = await startGoogle();
  jean = await startJean({
    JEAN_UPSTREAM__GOOGLE__ISSUER: google.url,
    JEAN_UPSTREAM__GOOGLE__CLIENT_ID: CLIENT.id,
    JEAN_UPSTREAM__GOOGLE__CLIENT_SECRET: CLIENT.secret,
    JEAN_ACCESS__EMAIL_DOMAINS: 'example.com',
  });
  answers = await listenForAnswers();
  browser = await openBrowser();
  page = browser.page;
  app = await register();
});

after(async () => {
  answers?.close();
  await browser?.close();
  await jean?.remove();
  google?.close();
});

beforeEach(() => page.context().clearCookies());

async function register() {
  const response = await fetch(`${jean.url}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'An app',
      redirect_uris: [answers.redirectUri],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    }),
  });
  return (await response.json()).client_id;
}

/** Opens the app's request, and goes to Google. */
async function signIn(parameters = {}) {
  const request = new URLSearchParams({
    response_type: 'code',
    client_id: app,
    redirect_uri: answers.redirectUri,
    code_challenge: createHash('sha256').update(randomBytes(32).toString('base64url')).digest('base64url'),
    code_challenge_method: 'S256',
    state: 'a state',
    ...parameters,
  });
  await page.goto(`${jean.url}/oauth/authorize?${request}`);
  await page.getByRole('button', { name: 'Continue with Google' }).click();
  await page.waitForURL(/\/oauth\/login\//);
}

const heading = () => page.locator('h1').innerText();

test('a consumer account with an address of the company does not come in', async () => {
  google.account = consumer;
  await signIn();
  assert.equal(await heading(), `${ADDRESS} may not use jean`);
  assert.equal(await page.getByRole('button', { name: 'Continue', exact: true }).count(), 0);
  await browser.look('google-consumer-account');
});

test('an account of the Workspace does', async () => {
  google.account = colleague;
  await signIn();
  assert.equal(await heading(), `Continue as ${ADDRESS}?`);
  await page.locator('button[value=continue]').click();
  await page.waitForURL(({ pathname }) => pathname === '/callback');
  assert.ok(new URL(page.url()).searchParams.get('code'));
});

test('an app that wants a new sign-in learns that Google does not show one, and the person has another way', async () => {
  google.account = colleague;
  await signIn({ prompt: 'login' });
  assert.equal(await heading(), 'Google cannot ask you to sign in again');
  await browser.look('provider-cannot-sign-in-again');
  assert.equal(await page.getByRole('button', { name: /with Google/ }).count(), 0);
  assert.equal(await page.getByRole('button', { name: /^Continue with / }).count(), 1);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.waitForURL(({ pathname }) => pathname === '/callback');
  assert.equal(new URL(page.url()).searchParams.get('error'), 'login_required');
});

test('no page broke a rule', () => {
  assert.deepEqual(browser.faults, []);
});
