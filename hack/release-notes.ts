import { glob, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** `node hack/release-notes.ts VERSION [DATE]`: moves changes/<section>/*.md to the top of CHANGELOG.md. */
const root = join(import.meta.dirname, '..');
const sections = ['added', 'changed', 'fixed', 'removed', 'security'];

const [version, date = new Date().toISOString().slice(0, 10)] = process.argv.slice(2);
if (version === undefined || !/^\d+\.\d+\.\d+/.test(version)) {
  process.stderr.write('usage: node hack/release-notes.ts VERSION [DATE]\n');
  process.exit(2);
}

const files = (
  await Array.fromAsync(glob(`changes/{${sections.join(',')}}/*.md`, { cwd: root }))
).sort();
if (files.length === 0) {
  process.stderr.write('nothing under changes/: no release\n');
  process.exit(1);
}

const parts = [`## ${version} (${date})`];
for (const section of sections) {
  const entries = files.filter((file) => file.startsWith(`changes/${section}/`));
  if (entries.length === 0) continue;
  const lines = await Promise.all(entries.map((file) => readFile(join(root, file), 'utf8')));
  const title = section.replace(/^./, (letter) => letter.toUpperCase());
  parts.push(`### ${title}`, lines.map((line) => `- ${line.trim()}`).join('\n'));
}

const changelog = join(root, 'CHANGELOG.md');
const [head = '', ...releases] = (await readFile(changelog, 'utf8')).split(/^(?=## )/m);
await writeFile(changelog, [`${head.trim()}\n\n${parts.join('\n\n')}\n`, ...releases].join('\n'));
await Promise.all(files.map((file) => rm(join(root, file))));
process.stdout.write(`${version}: ${files.map((file) => basename(file, '.md')).join(', ')}\n`);
