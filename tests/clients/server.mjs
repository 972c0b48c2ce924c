// Runs jean as an operator would: the shipped jean.toml in an empty folder, everything else by environment.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const root = resolve(import.meta.dirname, '../..');

export async function startJean(settings = {}) {
  const binary = resolve(root, process.env.JEAN_BIN ?? 'target/debug/jean');
  const folder = await mkdtemp(join(tmpdir(), 'jean-journey-'));
  await copyFile(join(root, 'jean.toml'), join(folder, 'jean.toml'));

  const [port, devPort] = await freePorts(2);
  const url = `http://localhost:${port}`;
  const child = spawn(binary, [], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...withoutSettings(process.env),
      JEAN_PUBLIC_URL: url,
      JEAN_LISTEN: `127.0.0.1:${port}`,
      JEAN_UPSTREAM__DEV__PORT: String(devPort),
      JEAN_DATABASE: `sqlite://${join(folder, 'jean.db')}`,
      ...settings,
    },
  });
  // However this process ends, jean does not outlive it.
  process.once('exit', () => child.kill('SIGKILL'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (log += text));
  const ended = new Promise(done => {
    child.once('error', error => done({ error }));
    child.once('close', (code, signal) => done({ code, signal }));
  });

  const jean = {
    url,
    mcp: `${url}/mcp`,
    log: () => log,
    /** Asks jean to stop; answers how it ended (`late` when it had to be killed) and after how many milliseconds. */
    async stop(patience = 5_000) {
      const asked = performance.now();
      child.kill('SIGTERM');
      const end = await Promise.race([ended, sleep(patience, { late: true }, { ref: false })]);
      return { ...end, ms: Math.round(performance.now() - asked) };
    },
    async remove() {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };

  const giveUp = new AbortController();
  const failure = await Promise.race([ended, healthy(url, giveUp.signal)]);
  giveUp.abort();
  if (failure) {
    await jean.remove();
    const why = failure.error?.message ?? failure.late ?? `it ended with ${failure.code ?? failure.signal}`;
    throw new Error(`jean (${binary}) did not start: ${why}\n${log}`);
  }
  return jean;
}

/** Resolves to nothing once /readyz answers 200. */
async function healthy(url, signal, patience = 20_000) {
  const until = performance.now() + patience;
  while (performance.now() < until && !signal.aborted) {
    const answer = await fetch(`${url}/readyz`, { signal }).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(50);
  }
  return { late: `/readyz did not answer 200 within ${patience / 1000} s` };
}

/** The environment without whatever jean itself would read from it. */
function withoutSettings(env) {
  const read = name => name.startsWith('JEAN_') || name === 'PORT' || name === 'RENDER_EXTERNAL_URL';
  return Object.fromEntries(Object.entries(env).filter(([name]) => !read(name)));
}

/** Ports that were free a moment ago. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(server => once(server, 'listening')));
  const ports = servers.map(server => server.address().port);
  await Promise.all(servers.map(server => once(server.close(), 'close')));
  return ports;
}
