import { createHmac } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { canonicalJson } from '../contracts/json.ts';
import { deriveKey, type SealingKey } from './sealing-keys.ts';

/** Where sealed text stands. It opens nowhere else: not in another field, subject, log or pool. */
export type SealedPlace = {
  readonly pool: string;
  readonly logId: string;
  readonly subject: string;
  readonly field: string;
};

export type Seal = {
  /** All that are held now, the one that should seal first. Changes when keys are rotated. */
  readonly keyIds: readonly string[];
  /** The key that seals for a pool: the first one, unless its pods lack it ({@link Seal.choose}). */
  sealingKeyId(pool: string): string;
  /**
   * Told which keys every live pod of a pool holds (`null`: there are no pods), chooses the first
   * of ours among them. While there is none, or no pod has been heard yet, nothing should be told:
   * the key chosen before stays. Answers whether another key seals from now on: then everything of
   * this pool has to be decided, and sealed, anew.
   */
  choose(pool: string, heldByEveryPod: ReadonlySet<string> | null): boolean;
  /** A compact JWE. */
  seal(place: SealedPlace, text: string): Promise<string>;
  /** Throws {@link SealBroken}. */
  open(place: SealedPlace, jwe: string): Promise<string>;
  /** Tells equal material from other without letting it be guessed: an HMAC, not a hash. Differs by the key that seals. */
  digest(pool: string, fields: Readonly<Record<string, string>>): Promise<string>;
};

/** Sealed text that cannot be opened here: no such key, another place, or not what was sealed. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
}

/** Keys as a list, or as a question that is asked at each use: then they may change. */
export function createSeal(keys: readonly SealingKey[] | (() => readonly SealingKey[])): Seal {
  const held = typeof keys === 'function' ? keys : () => keys;
  const chosen = new Map<string, string>();
  const derived = new WeakMap<SealingKey, Map<string, Uint8Array>>();
  if (held().length === 0) throw new RangeError('a seal needs a key');

  /** A key of each pool and purpose, so that what one pool's pods know opens nothing of another's. */
  function derive(key: SealingKey, purpose: string, pool: string): Uint8Array {
    if (key.pool !== undefined) {
      if (key.pool === pool && purpose === 'seal') return key.material;
      throw new SealBroken(`the key "${key.id}" held here is only for what pool ${key.pool} opens`);
    }
    const ofKey = derived.get(key) ?? new Map<string, Uint8Array>();
    derived.set(key, ofKey);
    const name = `${purpose}/${pool}`;
    const made = ofKey.get(name) ?? deriveKey(key, purpose, pool);
    ofKey.set(name, made);
    return made;
  }

  function sealingKey(pool: string): SealingKey {
    const [first] = held();
    const key = held().find(({ id }) => id === chosen.get(pool)) ?? first;
    if (key === undefined) throw new RangeError('a seal needs a key');
    return key;
  }

  return {
    get keyIds() {
      return held().map(({ id }) => id);
    },

    sealingKeyId: (pool) => sealingKey(pool).id,

    choose(pool, heldByEveryPod) {
      const before = sealingKey(pool).id;
      const best = held().find(({ id }) => heldByEveryPod === null || heldByEveryPod.has(id));
      if (best !== undefined) chosen.set(pool, best.id);
      return sealingKey(pool).id !== before;
    },

    async seal(place, text) {
      const key = sealingKey(place.pool);
      return new CompactEncrypt(new TextEncoder().encode(text))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: key.id, ...bound(place) })
        .encrypt(derive(key, 'seal', place.pool));
    },

    async open(place, jwe) {
      const where = `field "${place.field}" of ${place.subject}`;
      try {
        const { plaintext } = await compactDecrypt(
          jwe,
          ({ kid = '', ...header }) => {
            const key = held().find(({ id }) => id === kid);
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
      const hmac = createHmac('sha256', derive(sealingKey(pool), 'digest', pool));
      return hmac.update(canonicalJson(fields)).digest('base64url');
    },
  };
}

/** What the header binds. The pool is bound by its key. */
function bound({ logId, subject, field }: SealedPlace) {
  return { 'log-id': logId, subject, field };
}
