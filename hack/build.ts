import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyProductionPackages } from './production-packages.ts';

// dist/: what an image runs. `--app DIR` puts it there, with the packages that it needs, as the image has it.

const root = join(import.meta.dirname, '..');

/** Nobody compiles against what an image has. */
export const forImages = ['--declaration', 'false'] as const;

/** Compiles into `out` and adds what the program reads at run time. Nothing of an earlier build stays. */
export function build(out: string, ...compilerOptions: readonly string[]): void {
  rmSync(out, { recursive: true, force: true });
  const tsc = join(root, 'node_modules/.bin/tsc');
  const options = ['-p', 'tsconfig.build.json', '--outDir', out, ...compilerOptions];
  execFileSync(tsc, options, { cwd: root, stdio: 'inherit' });
  copyCrds(join(out, 'crds'));
  cpSync(join(root, 'cli/headgate'), join(out, 'cli/headgate'));
  writeFileSync(join(out, 'package.json'), describePackage());
}

function copyCrds(out: string): void {
  mkdirSync(out, { recursive: true });
  const files = readdirSync(join(root, 'crds')).filter((file) => file.endsWith('.yaml'));
  for (const file of files) cpSync(join(root, 'crds', file), join(out, file));
}

/** The version that the program says it has, and that its files are ES modules. */
function describePackage(): string {
  const { name, version, type } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return `${JSON.stringify({ name, version, type }, null, 2)}\n`;
}

if (import.meta.main) {
  const [flag, app] = process.argv.slice(2);
  if (flag === '--app' && app !== undefined) {
    build(join(app, 'dist'), ...forImages);
    await copyProductionPackages(app);
  } else build(join(root, 'dist'));
}
