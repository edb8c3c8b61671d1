import { createHmac, hkdfSync } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { canonicalJson } from '../contracts/json.ts';
import type { SealingKey } from './sealing-keys.ts';

/** Where sealed text stands. It opens nowhere else: not in another field, subject, log or pool. */
export type SealedPlace = {
  readonly pool: string;
  readonly logId: string;
  readonly subject: string;
  readonly field: string;
};

export type Seal = {
  /** The first one seals. */
  readonly keyIds: readonly string[];
  /** A compact JWE. */
  seal(place: SealedPlace, text: string): Promise<string>;
  /** Throws {@link SealBroken}. */
  open(place: SealedPlace, jwe: string): Promise<string>;
  /** Tells equal material from other without letting it be guessed: an HMAC, not a hash. */
  digest(pool: string, fields: Readonly<Record<string, string>>): Promise<string>;
};

/** Sealed text that cannot be opened here: no such key, another place, or not what was sealed. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
}

export function createSeal(keys: readonly SealingKey[]): Seal {
  const [sealing] = keys;
  if (sealing === undefined) throw new RangeError('a seal needs a key');
  const opening = new Map(keys.map((key) => [key.id, key]));
  const derived = new Map<string, Uint8Array>();

  /** A key of each pool and purpose, so that what one pool's pods know opens nothing of another's. */
  function derive({ id, material }: SealingKey, purpose: string, pool: string): Uint8Array {
    const name = `headgate/${purpose}/${pool}`;
    const known = derived.get(`${id} ${name}`);
    if (known !== undefined) return known;
    const key = new Uint8Array(hkdfSync('sha256', material, '', name, 32));
    derived.set(`${id} ${name}`, key);
    return key;
  }

  return {
    keyIds: keys.map(({ id }) => id),

    seal: (place, text) =>
      new CompactEncrypt(new TextEncoder().encode(text))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: sealing.id, ...bound(place) })
        .encrypt(derive(sealing, 'seal', place.pool)),

    async open(place, jwe) {
      const where = `field "${place.field}" of ${place.subject}`;
      try {
        const { plaintext } = await compactDecrypt(
          jwe,
          ({ kid = '', ...header }) => {
            const key = opening.get(kid);
            if (key === undefined) throw new SealBroken(`the key "${kid}" is not held here`);
            const moved = Object.entries(bound(place)).some(([name, is]) => header[name] !== is);
            if (moved) throw new SealBroken('it was sealed for another place');
            return derive(key, 'seal', place.pool);
          },
          { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] },
        );
        return new TextDecoder().decode(plaintext);
      } catch (cause) {
        const problem = cause instanceof SealBroken ? cause.message : 'it is not what was sealed';
        throw new SealBroken(`${where} cannot be opened: ${problem}`, { cause });
      }
    },

    async digest(pool, fields) {
      const hmac = createHmac('sha256', derive(sealing, 'digest', pool));
      return hmac.update(canonicalJson(fields)).digest('base64url');
    },
  };
}

/** What the header binds. The pool is bound by its key. */
function bound({ logId, subject, field }: SealedPlace) {
  return { 'log-id': logId, subject, field };
}
