import type { Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Something that is looked through, and how it is called when it holds what it must not. */
export type Place = { readonly name: string; readonly bytes: Buffer };

/** Where which of the secrets stands: as it is, or as base64 at any offset, padded or not, of either alphabet. */
export function findSecrets(
  places: readonly Place[],
  secrets: Readonly<Record<string, string>>,
): readonly string[] {
  return places.flatMap(({ name, bytes }) =>
    Object.entries(secrets).flatMap(([title, secret]) =>
      spellingsOf(secret).some((spelling) => bytes.includes(spelling))
        ? [`${title} in ${name}`]
        : [],
    ),
  );
}

/** Within longer text that was encoded as a whole, the ends of a secret's base64 are its neighbours' too. */
function spellingsOf(secret: string): readonly string[] {
  const encoded = [0, 1, 2].map((offset) => {
    const text = Buffer.from(`${' '.repeat(offset)}${secret}`).toString('base64');
    return text.replaceAll('=', '').slice(offset === 0 ? 0 : offset + 1, -1);
  });
  const ofUrls = encoded.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [secret, ...encoded, ...ofUrls, JSON.stringify(secret).slice(1, -1)];
}

/** Every file below a directory. */
export async function filesIn(directory: string): Promise<readonly Place[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = found.filter((entry: Dirent) => entry.isFile());
  return await Promise.all(
    files.map(async ({ parentPath, name }) => {
      const file = join(parentPath, name);
      return { name: file, bytes: await readFile(file) };
    }),
  );
}
