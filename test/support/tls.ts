import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.ts';
import type { Scope } from './teardowns.ts';

export type Certificates = {
  /** A CA of this test alone, PEM, and where it lies for programs that want a file. */
  readonly ca: string;
  readonly caFile: string;
  /** A leaf for `names` that it signed. */
  readonly cert: string;
  readonly key: string;
};

/** Makes a CA and a leaf for `localhost`, `127.0.0.1` and whatever names are given. */
export async function makeCertificates(
  t: Scope,
  names: readonly string[] = [],
): Promise<Certificates> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-tls-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const at = (file: string) => join(directory, file);
  const openssl = async (...args: string[]) => {
    const { code, stderr } = await run('openssl', args);
    if (code !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const alternatives = ['DNS:localhost', 'IP:127.0.0.1', ...names.map((name) => `DNS:${name}`)];

  await openssl(
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=headgate test CA'],
    ...['-addext', 'basicConstraints=critical,CA:TRUE'],
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ...['-keyout', at('ca.key'), '-out', at('ca.pem')],
  );
  await openssl(
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=localhost'],
    ...['-CA', at('ca.pem'), '-CAkey', at('ca.key')],
    ...['-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', `subjectAltName=${alternatives.join(',')}`],
    ...['-keyout', at('leaf.key'), '-out', at('leaf.pem')],
  );
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'leaf.pem', 'leaf.key'].map((file) => readFile(at(file), 'utf8')),
  );
  if (ca === undefined || cert === undefined || key === undefined)
    throw new Error('no certificate');
  return { ca, caFile: at('ca.pem'), cert, key };
}
