import { glob, readFile } from 'node:fs/promises';
import { dirname, join, matchesGlob, relative } from 'node:path';
import test from 'ava';

const root = join(import.meta.dirname, '..');

/**
 * Who may import what: the first line that matches a file decides, and what it does not list is not
 * allowed. Files that may not import `node:` are pure: they decide, they do not act.
 */
const rules: ReadonlyArray<readonly [files: string, mayImport: readonly string[]]> = [
  ['contracts/**', ['contracts/']],
  ['runtime/**', ['runtime/', 'contracts/', 'node:', 'prom-client', 'pino']],
  ['event-log/**', ['event-log/', 'runtime/', 'contracts/', 'node:', '@nats-io/', 'jose']],

  // Certificates are read with node:crypto and tried with node:tls, which ask nobody.
  [
    'operator/kinds/mirror-route/certificates.ts',
    ['operator/kinds/', 'contracts/', 'node:crypto', 'node:tls'],
  ],
  ['operator/kinds/**', ['operator/kinds/', 'contracts/', 'ipaddr.js', 're2js']],
  [
    'operator/schema/**',
    [
      'operator/schema/',
      'operator/kinds/',
      'contracts/',
      'node:fs',
      'node:path',
      'ajv',
      '@marcbachmann/cel-js',
      'yaml',
    ],
  ],
  [
    'operator/kubernetes/credentials/**',
    ['operator/', 'event-log/', 'runtime/', 'contracts/', 'node:'],
  ],
  [
    'operator/kubernetes/**',
    ['operator/', 'runtime/', 'contracts/', 'node:', '@kubernetes/', 'yaml'],
  ],
  ['operator/directory/**', ['operator/', 'runtime/', 'contracts/', 'node:', 'yaml']],
  ['operator/**', ['operator/', 'event-log/', 'runtime/', 'contracts/', 'node:']],

  [
    'dataplane/kinds/*/{serve.ts,serving/**}',
    ['dataplane/', 'runtime/', 'contracts/', 'node:', 'undici'],
  ],
  ['dataplane/kinds/*.ts', ['dataplane/', 'contracts/']],
  ['dataplane/kinds/*/*', ['dataplane/kinds/', 'dataplane/protocols/', 'contracts/', 're2js']],
  ['dataplane/protocols/**', ['dataplane/protocols/', 'contracts/', 'ipaddr.js']],
  ['dataplane/{desired-state/desired-state,reload/plan}.ts', ['contracts/']],
  ['dataplane/desired-state/**', ['dataplane/', 'event-log/', 'runtime/', 'contracts/', 'node:']],
  ['dataplane/access-log.ts', ['runtime/', 'pino']],
  ['dataplane/secrets/**', ['dataplane/', 'contracts/', 'bcrypt']],
  ['dataplane/**', ['dataplane/', 'event-log/', 'runtime/', 'contracts/', 'node:', 'undici']],

  [
    'cdk8s/**',
    [
      'cdk8s/',
      'operator/schema/',
      'operator/kubernetes/pools-config.ts',
      'operator/settings.ts',
      'contracts/',
      'node:',
      'cdk8s',
      'constructs',
      'yaml',
    ],
  ],
  [
    'cli/cluster/**',
    ['cli/', 'operator/', 'event-log/', 'runtime/', 'contracts/', 'node:', '@kubernetes/'],
  ],
  [
    'cli/**',
    [
      'cli/',
      'operator/',
      'dataplane/',
      'event-log/',
      'runtime/',
      'contracts/',
      'node:',
      'commander',
      'yaml',
      'bcrypt',
    ],
  ],
];

test('every file imports only what it may', async (t) => {
  const violations: string[] = [];
  for (const file of await sourceFiles()) {
    const [, mayImport = []] = rules.find(([files]) => matchesGlob(file, files)) ?? [];
    for (const target of await importsOf(file)) {
      const allowed = mayImport.some((prefix) => target.startsWith(prefix));
      if (!allowed) violations.push(`${file} imports ${target}`);
    }
  }
  t.deepEqual(violations, []);
});

async function sourceFiles(): Promise<string[]> {
  const found = glob('{contracts,runtime,event-log,operator,dataplane,cdk8s,cli}/**/*.ts', {
    cwd: root,
  });
  const files = await Array.fromAsync(found);
  return files.filter((file) => !file.endsWith('.test.ts'));
}

/** Relative imports as paths from the root, everything else as written. */
async function importsOf(file: string): Promise<string[]> {
  const source = await readFile(join(root, file), 'utf8');
  const specifiers = source.matchAll(/(?<!')\b(?:from|import)\s*\(?\s*'([^']+)'/g);
  return Array.from(specifiers, ([, specifier = '']) =>
    specifier.startsWith('.') ? relative(root, join(root, dirname(file), specifier)) : specifier,
  );
}
