import { X509Certificate } from 'node:crypto';
import type { CaReference, KnownCa, Resolved } from '../kinds/decider.ts';
import { readSecret } from './secrets.ts';
import type { ObservedSecret, Source } from './source.ts';

/** A Secret with CA certificates that a spec refers to, and what they are. */
export type FoundCa = { readonly reference: CaReference; readonly known: KnownCa };

/** The key of the Secret, as cert-manager and service accounts have it. */
const caField = 'ca.crt';
const maxBytes = 64 * 1024;

/** Asks for each. Throws `Untold`. */
export async function findCas(
  source: Source,
  references: readonly CaReference[],
  nowMs: number,
): Promise<readonly FoundCa[]> {
  return Promise.all(
    references.map(async (reference) => {
      const observed = await readSecret(source, reference);
      return { reference, known: readCa(reference, observed, nowMs) };
    }),
  );
}

/** What a decision has to know of each. */
export function lookUpCaIn(found: readonly FoundCa[]): Resolved['caOf'] {
  return ({ namespace, name }): KnownCa => {
    const one = found.find(
      ({ reference }) => reference.namespace === namespace && reference.name === name,
    );
    return one?.known ?? { found: false, message: `nobody asked for Secret ${namespace}/${name}` };
  };
}

/** Takes the certificates out of a Secret and nothing else: a private key beside them stays there. */
export function readCa(
  { namespace, name }: CaReference,
  observed: ObservedSecret,
  nowMs: number,
): KnownCa {
  if (!observed.found) return observed;
  const refuse = (problem: string): KnownCa => ({
    found: false,
    message: `Secret ${namespace}/${name} ${problem}`,
  });
  const text = observed.fields[caField];
  if (text === undefined) return refuse(`has no key "${caField}": put PEM certificates there`);

  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) {
    return refuse(`has ${bytes} bytes in key "${caField}", the limit is ${maxBytes}`);
  }
  const certificates = text.match(pemCertificate)?.map(parse) ?? [];
  if (certificates.length === 0) return refuse(`has no PEM certificate in key "${caField}"`);

  const unreadable = certificates.indexOf(null);
  if (unreadable >= 0) {
    return refuse(
      `has a certificate in key "${caField}", number ${unreadable + 1}, that cannot be read`,
    );
  }
  const readable = certificates.filter((each) => each !== null);
  const lastEndMs = Math.max(...readable.map(({ validToDate }) => validToDate.getTime()));
  if (lastEndMs < nowMs) {
    const when = new Date(lastEndMs).toISOString();
    return refuse(
      `has only certificates in key "${caField}" that have expired, the last at ${when}`,
    );
  }
  return { found: true, pem: readable.join('') };
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function parse(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}
