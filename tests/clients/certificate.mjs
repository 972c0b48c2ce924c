// A certificate that nobody vouches for, for a web site on this computer that lasts as long as a test.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The key and the certificate of a `host`. Whoever trusts the certificate trusts this site and no other. */
export async function certificate(host) {
  const folder = await mkdtemp(join(tmpdir(), 'jean-certificate-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const extensions = ['-addext', `subjectAltName=DNS:${host}`, '-addext', 'basicConstraints=critical,CA:FALSE'];
  const args = ['req', '-x509', ...curve, '-subj', `/CN=${host}`, ...extensions, '-keyout', key, '-out', cert, '-days', '2'];
  try {
    await promisify(execFile)('openssl', args);
    return { key: await readFile(key), cert: await readFile(cert) };
  } finally {
    await rm(folder, { recursive: true });
  }
}
