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

export type Authority = {
  /** PEM. */
  readonly ca: string;
  readonly caFile: string;
  /** A leaf that it signs. `isExpired`: it was valid until yesterday; `isForeign`: for `names` alone. */
  issue(options?: {
    readonly names?: readonly string[];
    readonly isExpired?: boolean;
    readonly isForeign?: boolean;
  }): Promise<{ readonly cert: string; readonly key: string }>;
};

/** A certificate that signs itself, with a key that is too short for TLS these days. */
export async function makeWeakCertificate(
  t: Scope,
): Promise<{ readonly cert: string; readonly key: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-weak-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const [key, cert] = [join(directory, 'key'), join(directory, 'cert')];
  const { code, stderr } = await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
    ...['-keyout', key, '-out', cert],
  ]);
  if (code !== 0) throw new Error(`openssl req: ${stderr}`);
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
}

/** Makes a CA and a leaf for `localhost`, `127.0.0.1` and whatever names are given. */
export async function makeCertificates(
  t: Scope,
  names: readonly string[] = [],
): Promise<Certificates> {
  const { ca, caFile, issue } = await makeAuthority(t);
  return { ca, caFile, ...(await issue({ names })) };
}

const loopback = ['DNS:localhost', 'IP:127.0.0.1'];

/** Makes a CA that signs whatever a test needs. */
export async function makeAuthority(t: Scope): Promise<Authority> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-tls-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const at = (file: string) => join(directory, file);
  const read = (file: string) => readFile(at(file), 'utf8');
  const openssl = async (...args: string[]) => {
    const { code, stderr } = await run('openssl', args);
    if (code !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  let issued = 0;

  await openssl(
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=headgate test CA'],
    ...['-addext', 'basicConstraints=critical,CA:TRUE'],
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ...['-keyout', at('ca.key'), '-out', at('ca.pem')],
  );
  return {
    ca: await read('ca.pem'),
    caFile: at('ca.pem'),
    async issue({ names = [], isExpired = false, isForeign = false } = {}) {
      issued += 1;
      const [keyFile, certFile] = [`leaf-${issued}.key`, `leaf-${issued}.pem`];
      const alternatives = names.map((name) => `DNS:${name}`).concat(isForeign ? [] : loopback);
      await openssl(
        ...['req', '-new', ...newKey, '-subj', '/CN=localhost'],
        ...['-addext', 'basicConstraints=critical,CA:FALSE'],
        ...['-addext', `subjectAltName=${alternatives.join(',')}`],
        ...['-keyout', at(keyFile), '-out', at('leaf.csr')],
      );
      await openssl(
        ...['x509', '-req', '-in', at('leaf.csr'), '-copy_extensions', 'copy'],
        ...['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-days', isExpired ? '-1' : '2'],
        ...['-out', at(certFile)],
      );
      return { cert: await read(certFile), key: await read(keyFile) };
    },
  };
}
