import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { MirrorRouteConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import type { MirrorRouteSpec } from '../../../contracts/kinds/mirror-route/spec.ts';
import type { ResourceKey } from '../../../contracts/resource-key.ts';
import type { Refusal, SecretReference } from '../decider.ts';

/** The keys of a `kubernetes.io/tls` Secret. */
const certificateField = 'tls.crt';
const keyField = 'tls.key';
const fields = [certificateField, keyField];

/** The Secrets with certificates of listeners, each once. */
export function secretsOf(
  { listeners }: MirrorRouteSpec,
  { namespace }: ResourceKey,
): readonly SecretReference[] {
  const names = listeners.flatMap(({ tls }) => tls?.certificateRefs.map(({ name }) => name) ?? []);
  return [...new Set(names)].map((name) => ({ namespace, name, fields }));
}

export function secretsIn({ listeners }: MirrorRouteConfig): readonly SecretReference[] {
  const certificates = listeners.flatMap(({ tls }) => tls?.certificates ?? []);
  const each = new Map(certificates.map((secret) => [secret.name, secret]));
  return [...each.values()].map(({ namespace, name }) => ({ namespace, name, fields }));
}

/** The same configuration with the certificates as they are now; `digests` in the order of {@link secretsIn}. */
export function withDigests(
  config: MirrorRouteConfig,
  digests: readonly string[],
): MirrorRouteConfig {
  const digestOf = new Map(secretsIn(config).map(({ name }, index) => [name, digests[index]]));
  const listeners = config.listeners.map((listener) => {
    if (listener.tls === null) return listener;
    const certificates = listener.tls.certificates.map((secret) => ({
      ...secret,
      digest: digestOf.get(secret.name) ?? secret.digest,
    }));
    return { ...listener, tls: { ...listener.tls, certificates } };
  });
  return { ...config, listeners };
}

/** What is wrong with a certificate and its key; nothing of the key is ever in the message. */
export function checkSecret(
  { namespace, name }: SecretReference,
  material: Readonly<Record<string, string>>,
): Refusal | null {
  const problem = findProblem(material[certificateField], material[keyField]);
  if (problem === null) return null;
  return { reason: 'InvalidCertificateRef', message: `Secret ${namespace}/${name}${problem}` };
}

function findProblem(certificate: string | undefined, key: string | undefined): string | null {
  if (certificate === undefined) return missing(certificateField, 'the certificate chain');
  if (key === undefined) return missing(keyField, 'the private key');
  const leaf = attempt(() => new X509Certificate(certificate));
  if (leaf === null) return `, key "${certificateField}", is not a PEM certificate`;
  if (/ENCRYPTED/.test(key))
    return `, key "${keyField}", is encrypted: put the key there without a passphrase`;
  const privateKey = attempt(() => createPrivateKey(key));
  if (privateKey === null) return `, key "${keyField}", is not a PEM private key`;
  if (!leaf.checkPrivateKey(privateKey)) {
    return `: "${keyField}" is not the key of the first certificate in "${certificateField}"`;
  }
  return findUnusable(certificate, key);
}

/** What only shows when TLS is to be spoken with it: a key that is too short, a chain that is damaged. */
function findUnusable(cert: string, key: string): string | null {
  try {
    createSecureContext({ cert, key });
    return null;
  } catch (error) {
    const why = error instanceof Error ? error.message.split(':').at(-1) : String(error);
    return ` cannot be used for TLS: ${why}`;
  }
}

function missing(field: string, what: string): string {
  return ` has no key "${field}": put ${what} there, as PEM`;
}

function attempt<Value>(make: () => Value): Value | null {
  try {
    return make();
  } catch {
    return null;
  }
}
