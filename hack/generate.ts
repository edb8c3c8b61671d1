/**
 * Writes what follows from the CRDs, types and field references, and from cdk8s/, the manifests.
 * `--check` writes nothing and exits 1 when one of them is stale.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderManifests } from '../cdk8s/manifests.ts';
import { kinds } from '../contracts/kinds/all-kinds.ts';
import { readCrd } from '../operator/schema/crd.ts';
import { replaceReference } from './generate-reference.ts';
import { generateTypes } from './generate-types.ts';

const root = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');
const stale: string[] = [];

for (const kind of kinds) {
  const folder = kind.replaceAll(/(?<=.)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
  const spec = readCrd(kind).schema.properties?.['spec'];
  if (spec === undefined) throw new Error(`crds/${folder}.yaml has no spec`);

  const types = generateTypes(kind, `crds/${folder}.yaml`, spec);
  update(`contracts/kinds/${folder}/spec.ts`, () => format(types));
  update(`contracts/kinds/${folder}/README.md`, (page) => replaceReference(page, spec));
}

for (const [file, manifest] of renderManifests()) {
  update(`cdk8s/manifests/${file}`, () => manifest);
}

if (stale.length > 0) {
  process.stderr.write(`stale, run npm run generate: ${stale.join(', ')}\n`);
  process.exitCode = 1;
}

function update(path: string, replace: (now: string) => string): void {
  const file = join(root, path);
  const now = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const wanted = replace(now);
  if (wanted === now) return;
  if (check) stale.push(path);
  else writeFileSync(file, wanted);
}

function format(source: string): string {
  return execFileSync('node_modules/.bin/biome', ['format', '--stdin-file-path=spec.ts'], {
    cwd: root,
    input: source,
    encoding: 'utf8',
  });
}
