/** `npm run synth`: writes the manifests that `kubectl apply -f` takes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderManifests } from './manifests.ts';

const directory = join(import.meta.dirname, 'manifests');
mkdirSync(directory, { recursive: true });
for (const [file, manifest] of renderManifests()) writeFileSync(join(directory, file), manifest);
