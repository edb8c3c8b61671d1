import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseAllDocuments } from 'yaml';
import { isRecord, type JsonRecord } from '../../contracts/json.ts';
import { isKind } from '../../contracts/kinds/all-kinds.ts';
import { startHeadgate } from '../support/headgate-up.ts';

const root = join(import.meta.dirname, '../..');

function documentsIn(yaml: string): readonly JsonRecord[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS())
    .filter(isRecord);
}

/** On free ports, because examples use fixed ones, which others may have. */
function movedTo(documents: readonly JsonRecord[], ports: Iterator<number>): string {
  const moved = documents.map((document) => {
    const { spec } = document;
    if (!isRecord(spec) || !Array.isArray(spec['listeners'])) return document;
    const listeners = spec['listeners'].map((each) => ({ ...each, port: ports.next().value }));
    return { ...document, spec: { ...spec, listeners } };
  });
  return moved.map((document) => `---\n${JSON.stringify(document)}\n`).join('');
}

const namesIn = (documents: readonly JsonRecord[]) =>
  documents.flatMap(({ kind, metadata }) =>
    isKind(String(kind)) && isRecord(metadata)
      ? [`${kind}/${metadata['namespace'] ?? 'default'}/${metadata['name']}`]
      : [],
  );

/** Answers how many there were. */
async function serveAll(t: ExecutionContext, yaml: string): Promise<number> {
  const documents = documentsIn(yaml);
  const up = await startHeadgate(t, {
    ports: 40,
    resources: (ports) => movedTo(documents, ports.values()),
  });
  const names = namesIn(documents);
  for (const name of names) await up.stdout.next((line) => line.startsWith(`${name} Programmed: `));
  return names.length;
}

test('every resource in the README is served', async (t) => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const blocks = Array.from(readme.matchAll(/^```yaml\n(.*?)^```$/gms), ([, block = '']) => block);

  t.true((await serveAll(t, blocks.join('\n---\n'))) >= 9);
});

test('every resource in crds/examples is served', async (t) => {
  const files = await Array.fromAsync(glob('crds/examples/**/*.yaml', { cwd: root }));
  const texts = await Promise.all(files.sort().map((file) => readFile(join(root, file), 'utf8')));

  t.true((await serveAll(t, texts.join('\n---\n'))) >= 16);
});
