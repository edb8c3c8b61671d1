import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { Kind, SpecOf } from '../../contracts/kinds/all-kinds.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import { readDirectory } from '../../operator/directory/read-directory.ts';
import { deciderOf } from '../../operator/kinds/all-kinds.ts';
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
  const { entries, problems } = await readDirectory([resource], validator);
  const [entry] = entries;
  if (entry?.type !== 'resource' || !entry.observed.valid) {
    throw new Error(`${resource} is invalid: ${problems.map(({ message }) => message).join('; ')}`);
  }
  const { kind, namespace, name } = entry;
  const outcome = resolve({ kind, namespace, name }, entry.observed.spec);
  if (!outcome.accepted) throw new Error(`${resource}: ${outcome.message}`);
  return `${JSON.stringify(outcome.config, null, 2)}\n`;
}

function resolve<K extends Kind>(key: ResourceKey & { readonly kind: K }, spec: SpecOf<K>) {
  return deciderOf(key.kind).resolve(spec, key, {
    digests: ['d1'],
    serviceOf: () => ({ found: false, message: 'no Service is known here' }),
    caOf: ({ name }) => ({ found: true, pem: `the certificates of ${name}` }),
    created: '',
  });
}
