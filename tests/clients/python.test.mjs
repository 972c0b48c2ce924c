// The official Python SDK, as an app that keeps its tokens in a file and ends: the next process has no metadata, and refreshes
// at the default endpoint of MCP 2025-03-26.
//
//   JEAN_BIN   the program, ../../target/debug/jean by default
//   CHROMIUM   the browser, /usr/bin/chromium by default

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { agree } from './person.mjs';
import { listenForAnswers } from './provider.mjs';
import { startJean } from './server.mjs';

const python = join(import.meta.dirname, 'python/.venv/bin/python');
const program = join(import.meta.dirname, 'python/app.py');
let folder, file, jean, browser, answers;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jean-python-'));
  file = join(folder, 'tokens.json');
  // The shortest that there is.
  jean = await startJean({ JEAN_TOKENS__ACCESS_LIFETIME: '301s', JEAN_LOG: 'jean=debug' });
  answers = await listenForAnswers();
  browser = await openBrowser();
});

after(async () => {
  answers?.close();
  await browser?.close();
  await jean?.remove();
  if (folder) await rm(folder, { recursive: true });
});

/** Runs the app to its end. Answers what whoami told it, and how often it sent the person to the browser. */
async function runApp() {
  const child = spawn(python, [program, jean.mcp, answers.redirectUri, file], { stdio: 'pipe' });
  const late = setTimeout(() => child.kill('SIGKILL'), 50_000);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', text => (errors += text));
  const ended = once(child, 'close');
  let opened = 0;
  let whoami;
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line);
    if (said.whoami) whoami = said.whoami;
    if (!said.open) continue;
    opened += 1;
    const person = agree(browser.page, said.open, ({ pathname }) => pathname === '/callback');
    const [answer] = await Promise.all([answers.next(), person]);
    child.stdin.write(`${answer}\n`);
  }
  const [status] = await ended;
  clearTimeout(late);
  assert.equal(status, 0, `${errors}\nThe server's log:\n${jean.log()}`);
  return { whoami, opened };
}

const kept = async () => JSON.parse(await readFile(file, 'utf8'));

test('a Python app refreshes after a restart, without its metadata and without a browser', async () => {
  const first = await runApp();
  assert.deepEqual([first.opened, first.whoami?.name], [1, 'Ada Lovelace'], 'the person signs in once');
  const before = await kept();
  assert.equal(before.tokens.expires_in, 301);

  // Five minutes later, as far as the app can tell.
  await writeFile(file, JSON.stringify({ ...before, expires_at: before.expires_at - 302 }));
  const second = await runApp();
  assert.deepEqual([second.opened, second.whoami?.name], [0, 'Ada Lovelace'], 'nobody is asked');
  const now = await kept();
  assert.notEqual(now.tokens.access_token, before.tokens.access_token, 'a new access token');
  assert.notEqual(now.tokens.refresh_token, before.tokens.refresh_token, 'the refresh token changed too');
  assert.match(jean.log(), /method=POST path="\/token" status=200/, 'at the root of the origin');
});
