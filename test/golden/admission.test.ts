import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readCrd } from '../../operator/schema/crd.ts';
import { compileObject } from '../../operator/schema/validator.ts';

type Recording = { readonly spec: unknown; readonly accepted: boolean; readonly defaulted?: unknown };

const recorded = join(import.meta.dirname, 'admission/forward-proxy.jsonl');

test('a directory takes what a cluster takes, and fills in the same', (t) => {
  const check = compileObject(readCrd('ForwardProxy').schema);
  const lines = readFileSync(recorded, 'utf8').trim().split('\n');

  for (const line of lines) {
    const { spec, accepted, defaulted }: Recording = JSON.parse(line);
    const head = { apiVersion: 'headgate.dev/v1alpha1', kind: 'ForwardProxy', metadata: {} };
    const checked = check({ ...head, spec });

    t.is(checked.problems.length === 0, accepted, JSON.stringify({ written: spec, ...checked }));
    if (defaulted !== undefined) t.deepEqual(checked.spec, defaulted);
  }
  t.true(lines.length > 150);
});
