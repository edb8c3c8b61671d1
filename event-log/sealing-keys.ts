import { randomBytes } from 'node:crypto';
import { link, open, readFile, unlink } from 'node:fs/promises';

/** 32 bytes and their name. Whoever has them reads every secret in the log. */
export type SealingKey = { readonly id: string; readonly material: Uint8Array };

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

/**
 * One `keyId base64(32 bytes)` per line; the first seals, all of them open. Empty lines and lines
 * that begin with `#` are skipped. A file that is not there fails with `code` ENOENT.
 */
export async function readSealingKeys(file: string): Promise<readonly SealingKey[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.trim());
  const keys = lines.flatMap((line, index) =>
    line === '' || line.startsWith('#') ? [] : [parseLine(line, `${file}:${index + 1}`)],
  );
  if (keys.length === 0) throw new SealingKeysUnusable(`${file} holds no sealing key`);
  if (new Set(keys.map(({ id }) => id)).size === keys.length) return keys;
  throw new SealingKeysUnusable(`${file} names two sealing keys alike`);
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
export function formatSealingKey({ id, material }: SealingKey): string {
  return `${id} ${Buffer.from(material).toString('base64')}`;
}

function parseLine(line: string, where: string): SealingKey {
  const [id = '', encoded = '', ...rest] = line.split(/\s+/);
  const material = Buffer.from(encoded, 'base64');
  if (rest.length === 0 && /^[\w-]{1,64}$/.test(id) && material.length === keyBytes) {
    return { id, material };
  }
  throw new SealingKeysUnusable(
    `${where} is not a sealing key: "<id> <base64 of ${keyBytes} bytes>"`,
  );
}
