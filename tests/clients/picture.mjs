// Draws the README's picture: the consent page as the program shows it to somebody who connects Claude.
//
//   node picture.mjs

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { root, startJean } from './server.mjs';

const jean = await startJean({
  JEAN_BRAND__NAME: 'Acme Notes',
  JEAN_MCP__DEFAULT__SCOPES__READ: 'Read your notes',
  JEAN_MCP__DEFAULT__SCOPES__WRITE: 'Write and change notes',
  JEAN_UPSTREAM__DEV__LABEL: 'Google',
});
const redirectUri = 'https://claude.ai/api/mcp/auth_callback';
const registration = await fetch(`${jean.url}/oauth/register`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    client_name: 'Claude',
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
  }),
});
const { client_id } = await registration.json();
const request = new URLSearchParams({
  response_type: 'code',
  client_id,
  redirect_uri: redirectUri,
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  code_challenge_method: 'S256',
  state: 'picture',
  resource: jean.mcp,
});

const folder = join(root, '.assets');
await mkdir(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  chromiumSandbox: process.getuid?.() !== 0,
});
for (const colorScheme of ['light', 'dark']) {
  const viewport = { width: 600, height: 400 };
  const page = await browser.newPage({ colorScheme, viewport, javaScriptEnabled: false, reducedMotion: 'reduce' });
  await page.goto(`${jean.url}/oauth/authorize?${request}`);
  await page.screenshot({ path: join(folder, `consent-${colorScheme}.png`), fullPage: true, animations: 'disabled' });
}
await browser.close();
await jean.remove();
