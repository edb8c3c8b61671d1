import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startHeadgate } from '../support/headgate-up.ts';

const root = join(import.meta.dirname, '../..');

/** The resources of a text, on free ports and loopback: examples use fixed ports, which others may have. */
function movedTo(yaml: string, ports: Iterator<number>): string {
  return yaml.replaceAll(/\bport: \d+/g, () => `port: ${ports.next().value}`);
}

const namesIn = (yaml: string) =>
  Array.from(
    yaml.matchAll(/^kind: ForwardProxy\nmetadata:\s*\{?\s*name: ([a-z-]+)/gm),
    ([, name = '']) => name,
  );

test('every resource in the README is served', async (t) => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const blocks = Array.from(readme.matchAll(/^```yaml\n(.*?)^```$/gms), ([, block = '']) => block);

  const up = await startHeadgate(t, {
    ports: 32,
    resources: (ports) => movedTo(blocks.join('\n---\n'), ports.values()),
  });

  const names = namesIn(blocks.join('\n'));
  t.true(names.length >= 8);
  for (const name of names)
    await up.stdout.next((line) => line.startsWith(`ForwardProxy/team-a/${name} Programmed: `));
});

test('every resource in crds/examples is served', async (t) => {
  const files = await Array.fromAsync(glob('crds/examples/**/*.yaml', { cwd: root }));
  const texts = await Promise.all(files.sort().map((file) => readFile(join(root, file), 'utf8')));
  // The shortest example leaves its port out and so takes 3128, which may be in use.
  const withPorts = texts.map((text) =>
    text.replace(/- name: all\n$/, '- name: all\n      port: 3128\n'),
  );

  const up = await startHeadgate(t, {
    ports: 32,
    resources: (ports) => movedTo(withPorts.join('\n---\n'), ports.values()),
  });

  const names = namesIn(texts.join('\n'));
  t.true(names.length >= 10);
  for (const name of names) {
    await up.stdout.next(
      (line) => /^ForwardProxy\/[\w-]+\/(\S+) Programmed: /.exec(line)?.[1] === name,
    );
  }
});
