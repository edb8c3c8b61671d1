import { globSync } from 'node:fs';
import { join } from 'node:path';
import { readDirectory } from '../../operator/directory/read-directory.ts';
import { resolveForwardProxy } from '../../operator/kinds/forward-proxy/resolve-config.ts';
import { createValidator } from '../../operator/schema/validator.ts';

/** A resource as written, and the file with what pods serve for it. */
export type Golden = { readonly title: string; readonly resource: string; readonly config: string };

export function goldenCases(): readonly Golden[] {
  return globSync('*/*/resource.yaml', { cwd: import.meta.dirname }).map((path) => ({
    title: path.replace('/resource.yaml', ''),
    resource: join(import.meta.dirname, path),
    config: join(import.meta.dirname, path.replace('resource.yaml', 'config.json')),
  }));
}

const validator = createValidator();

/** The text of config.json. */
export async function resolveGolden({ resource }: Golden): Promise<string> {
  const { entries } = await readDirectory([resource], validator);
  const [entry] = entries;
  if (entry?.type !== 'resource' || !entry.observed.valid) throw new Error(`${resource} is invalid`);
  const resolved = resolveForwardProxy(entry.observed.spec, { ...entry, secretDigest: 'd1' });
  if ('problem' in resolved) throw new Error(`${resource}: ${resolved.problem.message}`);
  return `${JSON.stringify(resolved.config, null, 2)}\n`;
}
