// Exit 0 when node_modules holds what package-lock.json names. Runs on Node 20, before anything is installed.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

function packagesIn(file) {
  const path = join(root, file);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : {};
}

const wanted = Object.entries(packagesIn('package-lock.json'));
const installed = packagesIn('node_modules/.package-lock.json');

const differs = wanted.some(([path, { optional, devOptional, version }]) => {
  const isElsewhere = path === '' || optional || devOptional;
  return !isElsewhere && installed[path]?.version !== version;
});
process.exit(differs || !existsSync(join(root, 'node_modules/node/bin/node')) ? 1 : 0);
