import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { App } from 'cdk8s';
import { Headgate } from '../../cdk8s/constructs.ts';
import { defaultPool, parsePoolsConfig } from '../../operator/kubernetes/pools-config.ts';

const read = (page: string) => readFile(join(import.meta.dirname, '../../docs', page), 'utf8');
const [installPage, settingsPage] = await Promise.all([read('install.md'), read('settings.md')]);

const section = (page: string, heading: string) =>
  page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';

/** What stands in the first column of the tables of a section. */
const rowsOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => line.split('|')[1]?.match(/`[^`]+`/g) ?? [])
    .map((name) => name.replaceAll('`', ''));

test('the pools in the documentation are pools, and every field of one is explained', (t) => {
  const text = section(installPage, 'Pools');
  const [, yaml = ''] = /^```yaml\n(.*?)^```$/ms.exec(text) ?? [];

  t.deepEqual([...parsePoolsConfig(yaml).keys()], ['default', 'builds']);
  t.deepEqual(rowsOf(text).sort(), Object.keys(defaultPool).sort());
});

test('every setting that an installation makes is explained', (t) => {
  const chart = new Headgate(new App(), 'headgate', {
    logName: 'shop',
    logMaxBytes: 1 << 30,
    keepUnusedPoolsSeconds: 60,
    logLevel: 'debug',
    adopt: true,
  });
  const [deployment] = chart.toJson().filter(({ kind }) => kind === 'Deployment');
  const [{ env }] = deployment.spec.template.spec.containers;

  const explained = rowsOf(section(settingsPage, 'The operator'));

  t.true(env.length > 8);
  for (const { name } of env) t.true(explained.includes(name), name);
});

test('every object of the manifest is in the table of what is installed', (t) => {
  const objects = new Headgate(new App(), 'headgate').toJson();
  const table = section(installPage, 'What is installed')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .join('\n');

  for (const { kind } of objects) t.true(table.includes(kind.replace(/Binding$/, '')), kind);
});
