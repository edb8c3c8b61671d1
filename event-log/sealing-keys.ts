import { hkdfSync, randomBytes } from 'node:crypto';
import { link, open, readFile, unlink } from 'node:fs/promises';

/**
 * 32 bytes and their name. Whoever has a master key reads every secret in the log; one that was
 * derived for a pool opens what was sealed for that pool.
 */
export type SealingKey = {
  readonly id: string;
  readonly material: Uint8Array;
  /** Derived for this pool alone; a master key lacks it. */
  readonly pool?: string;
};

/** The file of keys is not as it should be. Says which line, never what is in it. */
export class SealingKeysUnusable extends Error {
  override readonly name = 'SealingKeysUnusable';
}

const keyBytes = 32;
const ownerOnly = 0o600;

/** A new key under a name of its own. */
export function generateSealingKey(): SealingKey {
  return { id: randomBytes(6).toString('hex'), material: randomBytes(keyBytes) };
}

/** The keys of a file, as {@link parseSealingKeys}. A file that is not there fails with `code` ENOENT. */
export async function readSealingKeys(file: string): Promise<readonly SealingKey[]> {
  return parseSealingKeys(await readFile(file, 'utf8'), file);
}

/**
 * One `keyId base64(32 bytes) [pool]` per line; the first seals, all of them open. Empty lines and
 * lines that begin with `#` are skipped. `where` names the text in errors.
 */
export function parseSealingKeys(text: string, where: string): readonly SealingKey[] {
  const lines = text.split('\n').map((line) => line.trim());
  const keys = lines.flatMap((line, index) =>
    line === '' || line.startsWith('#') ? [] : [parseLine(line, `${where}:${index + 1}`)],
  );
  if (keys.length === 0) throw new SealingKeysUnusable(`${where} holds no sealing key`);
  if (new Set(keys.map(({ id }) => id)).size === keys.length) return keys;
  throw new SealingKeysUnusable(`${where} names two sealing keys alike`);
}

/** What a key is worth to one purpose and pool: 32 bytes from which nothing else can be told. */
export function deriveKey({ material }: SealingKey, purpose: string, pool: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', material, '', `headgate/${purpose}/${pool}`, 32));
}

/** What the pods of a pool get of a master key: it opens what is sealed for them, and nothing else. */
export function deriveForPool(key: SealingKey, pool: string): SealingKey {
  return { id: key.id, material: deriveKey(key, 'seal', pool), pool };
}

/** Makes a file with one key that only its owner can read. Fails with `code` EEXIST where there is one. */
export async function createSealingKey(file: string): Promise<readonly SealingKey[]> {
  const key = generateSealingKey();
  // Whole or not at all: a process killed while it writes must not leave half a key.
  const draft = `${file}.${key.id}`;
  const handle = await open(draft, 'wx', ownerOnly);
  try {
    await handle.writeFile(`${formatSealingKey(key)}\n`);
    await handle.sync();
    await link(draft, file);
    return [key];
  } finally {
    await handle.close();
    await unlink(draft);
  }
}

/** The line of a key in its file. */
export function formatSealingKey({ id, material, pool }: SealingKey): string {
  const line = `${id} ${Buffer.from(material).toString('base64')}`;
  return pool === undefined ? line : `${line} ${pool}`;
}

function parseLine(line: string, where: string): SealingKey {
  const [id = '', encoded = '', pool, ...rest] = line.split(/\s+/);
  const material = Buffer.from(encoded, 'base64');
  if (rest.length === 0 && /^[\w-]{1,64}$/.test(id) && material.length === keyBytes) {
    return { id, material, ...(pool !== undefined && { pool }) };
  }
  throw new SealingKeysUnusable(
    `${where} is not a sealing key: "<id> <base64 of ${keyBytes} bytes> [<pool>]"`,
  );
}
