/**
 * 32 bits of salt and key, the same on every pod and in every version: FNV-1a over the bytes of the
 * salt, a zero byte and those of the key, then the last step of MurmurHash3 (both in wire text).
 * `docs/sampling.md` has vectors.
 */
export function samplingHash(salted: number, key: string): number {
  return mixed(fnv1a(salted, key));
}

/** What all keys with this salt begin with. */
export function startHash(salt: string): number {
  return fnv1a(fnv1a(offsetBasis, salt), '\0');
}

const offsetBasis = 0x81_1c_9d_c5;
const prime = 0x01_00_01_93;

function fnv1a(start: number, bytes: string): number {
  let hash = start;
  for (let at = 0; at < bytes.length; at++) {
    hash = Math.imul(hash ^ (bytes.charCodeAt(at) & 0xff), prime);
  }
  return hash >>> 0;
}

/** Alone, FNV-1a barely moves the upper bits for keys that differ at their end only. */
function mixed(hash: number): number {
  let bits = hash;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85_eb_ca_6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2_b2_ae_35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
