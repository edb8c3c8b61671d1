import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Source, SourceChange } from '../../operator/control-loop/source.ts';
import { openDirectorySource } from '../../operator/directory/directory-source.ts';
import { createValidator } from '../../operator/schema/validator.ts';
import type { Scope } from './teardowns.ts';

export const validator = createValidator();

export function proxy(name: string, port = 3128): string {
  return `apiVersion: headgate.dev/v1alpha1
kind: ForwardProxy
metadata: {name: ${name}}
spec:
  listeners: [{name: all, port: ${port}}]
`;
}

export const secret = (password: string) => `apiVersion: v1
kind: Secret
metadata: {name: users}
stringData: {auth: ${password}}
`;

export async function makeDirectory(t: Scope, files: Readonly<Record<string, string>>) {
  const root = await mkdtemp(join(tmpdir(), 'headgate-source-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  const directory = join(root, 'wanted');
  await mkdir(directory);
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return directory;
}

export async function openDirectory(t: Scope, directories: string | readonly string[]) {
  const stop = new AbortController();
  const source = await openDirectorySource({
    directories: [directories].flat(),
    validator,
    id: 'directory:test',
    signal: stop.signal,
  });
  t.teardown(() => source[Symbol.asyncDispose]());
  const changes = source.changes(stop.signal)[Symbol.asyncIterator]();

  /** Waits for a change and answers every change up to it. */
  async function until(wanted: string): Promise<readonly string[]> {
    const seen: string[] = [];
    while (seen.at(-1) !== wanted) {
      const next = await changes.next();
      if (next.done === true) throw new Error(`ended before ${wanted}: ${seen.join(', ')}`);
      seen.push(describe(next.value));
    }
    return seen;
  }

  return { source, changes, until, stop };
}

function describe(change: SourceChange): string {
  switch (change.type) {
    case 'resource':
      return change.key.name;
    case 'secret':
      return `secret ${change.name}`;
    case 'service':
      return `service ${change.name}`;
    case 'grants':
      return `grants ${change.namespace}`;
    case 'synced':
    case 'pools':
      return change.type;
    case 'problem':
    case 'problemSolved':
      return `${change.type} ${change.where.replace(/.*\//, '')}`;
  }
}

export const names = (source: Source) => source.list().keys.map(({ name }) => name);

export function portOf(source: Source, name: string): number | null | undefined {
  const observed = source.read({ kind: 'ForwardProxy', namespace: 'default', name });
  return observed?.valid === true ? observed.spec.listeners[0]?.port : null;
}
