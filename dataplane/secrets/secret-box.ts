import type { DesiredState } from '../desired-state/desired-state.ts';
import type { SecretNeeded } from '../kinds/wanted.ts';
import type { Passwords } from './passwords.ts';

/** Opens what the log keeps sealed, once per digest, and hands it to whoever checks passwords. */
export type SecretBox = {
  /** Makes these ready for use; what is wrong, or `null`. The message names no material. */
  open(state: DesiredState, needed: readonly SecretNeeded[]): Promise<string | null>;
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
  const opened = new Set<string>();

  async function openOne(state: DesiredState, needed: SecretNeeded): Promise<string | null> {
    const { namespace, name, digest, field } = needed;
    if (opened.has(digest)) return null;
    const secret = state.secrets.get(`${namespace}/${name}`);
    if (secret === undefined || secret.digest !== digest) {
      return `secret ${namespace}/${name} is not in the log in the version this resource names`;
    }
    const jwe = secret.fields[field];
    if (jwe === undefined) return `secret ${namespace}/${name} has no field "${field}"`;
    try {
      const { logId, subject } = secret;
      passwords.learn(digest, await seal.open({ pool, logId, subject, field }, jwe));
      opened.add(digest);
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
    retain(digests) {
      const kept = new Set(digests);
      for (const digest of opened) if (!kept.has(digest)) opened.delete(digest);
      passwords.retain(kept);
    },
  };
}
