import type { DesiredState } from '../desired-state/desired-state.ts';
import type { SecretNeeded } from '../kinds/wanted.ts';
import type { Certificate } from '../serving/tls-listener.ts';
import type { Passwords } from './passwords.ts';

/**
 * Opens what the log keeps sealed, once per digest and field. Passwords go to whoever checks them and
 * nowhere else; certificates and their keys are kept for the serving threads.
 */
export type SecretBox = {
  /** Makes these ready for use; what is wrong, or `null`. The message names no material. */
  open(state: DesiredState, needed: readonly SecretNeeded[]): Promise<string | null>;
  /** What was opened, by the Secrets' `namespace/name`. */
  certificates(needed: readonly SecretNeeded[]): Readonly<Record<string, Certificate>>;
  /** Forgets every digest but these. */
  retain(digests: readonly string[]): void;
};

/** The part of event-log/seal.ts a pod uses. */
export type SealOpener = {
  readonly keyIds: readonly string[];
  open(place: SealedPlace, jwe: string): Promise<string>;
};

export type SealedPlace = {
  readonly pool: string;
  readonly logId: string;
  readonly subject: string;
  readonly field: string;
};

export function createSecretBox(seal: SealOpener, pool: string, passwords: Passwords): SecretBox {
  /** Digest → field → material, but for passwords. */
  const opened = new Map<string, Map<string, string>>();

  async function openOne(state: DesiredState, needed: SecretNeeded): Promise<string | null> {
    const { namespace, name, digest, field, use } = needed;
    if (opened.get(digest)?.has(field) === true) return null;
    const secret = state.secrets.get(`${namespace}/${name}`);
    if (secret === undefined || secret.digest !== digest) {
      return `secret ${namespace}/${name} is not in the log in the version this resource names`;
    }
    const jwe = secret.fields[field];
    if (jwe === undefined) return `secret ${namespace}/${name} has no field "${field}"`;
    try {
      const { logId, subject } = secret;
      const material = await seal.open({ pool, logId, subject, field }, jwe);
      if (use === 'passwords') passwords.learn(digest, material);
      const known = opened.get(digest) ?? new Map<string, string>();
      opened.set(digest, known.set(field, use === 'passwords' ? '' : material));
      return null;
    } catch {
      return `secret ${namespace}/${name} cannot be opened with the sealing keys this pod holds (${seal.keyIds.join(', ')}); it was sealed with ${secret.keyId}`;
    }
  }

  return {
    async open(state, needed) {
      for (const secret of needed) {
        const problem = await openOne(state, secret);
        if (problem !== null) return problem;
      }
      return null;
    },
    certificates(needed) {
      const found: Record<string, Certificate> = {};
      for (const { namespace, name, digest, field, use } of needed) {
        if (use === 'passwords') continue;
        const secret = `${namespace}/${name}`;
        const known = found[secret] ?? { certificate: '', key: '' };
        found[secret] = { ...known, [use]: opened.get(digest)?.get(field) ?? '' };
      }
      return found;
    },
    retain(digests) {
      const kept = new Set(digests);
      for (const digest of opened.keys()) if (!kept.has(digest)) opened.delete(digest);
      passwords.retain(kept);
    },
  };
}
