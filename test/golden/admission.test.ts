import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type Kind, kinds } from '../../contracts/kinds/all-kinds.ts';
import { readCrd } from '../../operator/schema/crd.ts';
import { compileObject } from '../../operator/schema/validator.ts';

type Recording = { readonly spec: unknown; readonly accepted: boolean; readonly defaulted?: unknown };

const recorded: { readonly [K in Kind]: string } = {
  ForwardProxy: 'admission/forward-proxy.jsonl',
  MirrorRoute: 'admission/mirror-route.jsonl',
};

for (const kind of kinds) {
  test(`of a ${kind}, a directory takes what a cluster takes, and fills in the same`, (t) => {
    const check = compileObject(readCrd(kind).schema);
    const recordings = readFileSync(join(import.meta.dirname, recorded[kind]), 'utf8');
    const lines = recordings.trim().split('\n');

    for (const line of lines) {
      const { spec, accepted, defaulted }: Recording = JSON.parse(line);
      const head = { apiVersion: 'headgate.dev/v1alpha1', kind, metadata: {} };
      const checked = check({ ...head, spec });

      t.is(checked.problems.length === 0, accepted, JSON.stringify({ written: spec, ...checked }));
      if (defaulted !== undefined) t.deepEqual(checked.spec, defaulted);
    }
    t.true(lines.length > 150);
  });
}
