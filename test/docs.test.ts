import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { conditionReasons } from '../contracts/conditions.ts';
import { errorCodes } from '../contracts/errors.ts';
import { metrics } from '../contracts/metric-names.ts';
import { comparisons } from '../dataplane/kinds/mirror-route/compare-answers.ts';
import { skipReasons } from '../dataplane/kinds/mirror-route/mirroring/skip-reasons.ts';
import { createValidator } from '../operator/schema/validator.ts';
import packageJson from '../package.json' with { type: 'json' };

const root = join(import.meta.dirname, '..');
const read = (file: string) => readFile(join(root, file), 'utf8');
const matches = (text: string, pattern: RegExp) =>
  Array.from(text.matchAll(pattern), ([, first = '']) => first);

test('every dependency has its line, and no other has', async (t) => {
  const page = await read('docs/dependencies.md');
  const [product = '', development = ''] = page.split('## For development');

  const names = (part: string) => matches(part, /^\| `([^`]+)` \|/gm).sort();

  t.deepEqual(names(product), Object.keys(packageJson.dependencies).sort());
  t.deepEqual(names(development), Object.keys(packageJson.devDependencies).sort());
});

test('versions of dependencies are exact', (t) => {
  const versions = { ...packageJson.dependencies, ...packageJson.devDependencies };

  for (const [name, version] of Object.entries(versions)) t.regex(version, /^\d+\.\d+\.\d+$/, name);
});

test('every error code is explained in three lines', async (t) => {
  const [, ...sections] = (await read('docs/errors.md')).split(/^## /m);
  const explained = sections.map((section) => section.split('\n', 1)[0] ?? '');

  t.deepEqual(explained.sort(), Object.keys(errorCodes).sort());
  for (const section of sections) t.is(section.match(/^- /gm)?.length, 3, section);
});

test('every metric is explained in the words of the code', async (t) => {
  const rows = (await read('docs/metrics.md'))
    .split('\n')
    .filter((row) => row.startsWith('| `headgate_'));
  const expected = Object.entries(metrics).map(([name, { type, labels, help }]) => {
    const shownLabels = labels.map((label) => `\`${label}\``).join(' ');
    return `| \`${name}\` | ${type} | ${shownLabels} | ${help} |`;
  });

  t.deepEqual(rows, expected);
});

const tables = [
  ['every reason for which a copy is not sent', '## Why a copy was not sent', skipReasons],
  ['everything that comes of comparing answers', '## What came of comparing answers', comparisons],
] as const;

for (const [what, heading, meanings] of tables) {
  test(`${what} is explained in the words of the code`, async (t) => {
    const [, section = ''] = (await read('docs/metrics.md')).split(heading);
    const [table = ''] = section.split('\n## ');
    const rows = table.split('\n').filter((row) => row.startsWith('| `'));

    const expected = Object.entries(meanings).map(([name, text]) => `| \`${name}\` | ${text} |`);
    t.deepEqual(rows, expected);
  });
}

test('every condition and reason is explained', async (t) => {
  const sections = (await read('docs/status.md')).split(/^###? /m);
  for (const [type, reasons] of Object.entries(conditionReasons)) {
    const section = sections.find((candidate) => new RegExp(`^${type}\\b`).test(candidate)) ?? '';

    t.deepEqual(matches(section, /^\| `(\w+)` \|/gm).sort(), [...reasons].sort(), type);
  }
});

test('every resource in the README is valid', async (t) => {
  const validator = createValidator();
  const blocks = matches(await read('README.md'), /^```yaml\n(.*?)^```$/gms);
  const resources = blocks
    .flatMap((block) => parseAllDocuments(block).map((document) => document.toJS()))
    .filter(({ kind }) => kind !== 'Secret');

  t.true(resources.length >= 8);
  for (const resource of resources) t.like(validator.validate(resource), { ok: true });
});

test('every relative link leads somewhere', async (t) => {
  const pages = await Array.fromAsync(glob('{*,docs/**/*,contracts/**/*}.md', { cwd: root }));
  t.true(pages.length > 10);
  for (const page of pages) {
    const links = matches(await read(page), /\]\((?!https?:|#)([^)#]+)/g);
    for (const link of links)
      t.true(existsSync(join(root, dirname(page), link)), `${page}: ${link}`);
  }
});

test('a decision has a number of its own, a context, a decision and consequences', async (t) => {
  const pages = (await Array.fromAsync(glob('docs/decisions/*.md', { cwd: root }))).sort();
  const numbers = pages.map((page) => Number(/(\d{4})-[a-z0-9-]+\.md$/.exec(page)?.[1]));

  t.deepEqual(
    numbers,
    Array.from(pages, (_, index) => index + 1),
  );
  for (const page of pages) {
    const text = await read(page);
    t.regex(text, new RegExp(`^# ${Number(page.slice('docs/decisions/'.length).slice(0, 4))}\\. `));
    for (const part of ['Context', 'Decision', 'Consequences'])
      t.true(text.includes(`**${part}.**`), page);
  }
});

test('a change is one sentence to users, in a folder that the release notes know', async (t) => {
  for (const file of await Array.fromAsync(glob('changes/**/*.md', { cwd: root }))) {
    t.regex(file, /^changes\/(added|changed|fixed|removed|security)\/[a-z0-9-]+\.md$/);
    t.is((await read(file)).trim().split('\n').length, 1, file);
  }
});
