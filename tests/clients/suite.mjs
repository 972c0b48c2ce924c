// The official conformance suite, as a program that is started for each run.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const packages = join(import.meta.dirname, 'node_modules');
const program = join(packages, '@modelcontextprotocol/conformance/dist/index.js');
// The suite needs Node.js 22, which is among the packages for those who have an older one.
const packaged = join(packages, `node-${process.platform}-${process.arch}`, 'bin/node');
const node = existsSync(packaged) ? packaged : process.execPath;

/**
 * Runs the suite. Answers its exit status, all checks of all scenarios, and what it said. Once it has said what `asks`
 * matches, `answer(match)` is called and waited for; the suite is ended where that fails.
 */
export async function runSuite(args, { asks = /(?!)/, answer } = {}) {
  const results = await mkdtemp(join(tmpdir(), 'jean-conformance-'));
  const child = spawn(node, [program, ...args, '--output-dir', results], { stdio: ['ignore', 'pipe', 'pipe'] });
  const late = setTimeout(() => child.kill('SIGKILL'), 60_000);
  let said = '';
  let answered;
  const hear = text => {
    said += text;
    const asked = answered ? null : said.match(asks);
    if (!asked) return;
    answered = answer(asked).catch(error => {
      said += `\n${error.stack}`;
      child.kill();
    });
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
  try {
    const [status] = await once(child, 'close');
    await answered;
    const scenarios = await readdir(results);
    const checks = await Promise.all(scenarios.map(name => checksIn(join(results, name))));
    return { status, said, checks: checks.flat() };
  } finally {
    clearTimeout(late);
    await rm(results, { recursive: true });
  }
}

/** The checks of a scenario; none where it was ended before it had any. */
async function checksIn(folder) {
  const file = join(folder, 'checks.json');
  return existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : [];
}
