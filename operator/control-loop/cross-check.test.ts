import test from 'ava';
import { createValidator } from '../schema/validator.ts';
import { findCrossProblems } from './cross-check.ts';

const validator = createValidator();

function placed(name: string, spec: unknown) {
  const key = { kind: 'ForwardProxy', namespace: 'team-a', name } as const;
  const validated = validator.validate({
    apiVersion: 'headgate.dev/v1alpha1',
    kind: key.kind,
    metadata: { namespace: key.namespace, name },
    spec,
  });
  if (!validated.ok) throw new Error(JSON.stringify(validated.problems));
  return { key, spec: validated.spec, file: `${name}.yaml`, line: 1 };
}

const listenOn = (port: number, more = {}) => ({ listeners: [{ name: 'all', port }], ...more });
const withUsers = listenOn(3128, {
  authentication: { mode: 'Basic', basic: { secretRef: { name: 'users' } } },
});
const noSecret = () => ({ found: false, message: 'there is no such Secret' }) as const;

test('resources that do not meet are no problem', (t) => {
  const all = [
    placed('a', listenOn(3128)),
    placed('b', listenOn(3129)),
    placed('other-pool', listenOn(3128, { pool: 'other' })),
  ];

  t.deepEqual(findCrossProblems(all, noSecret), []);
});

test('the second of two that want a port is named at its place', (t) => {
  const problems = findCrossProblems(
    [placed('b', listenOn(3128)), placed('a', listenOn(3128))],
    noSecret,
  );

  t.like(problems, [{ file: 'b.yaml', field: 'spec.listeners' }]);
});

test('a Secret that is missing or useless is a problem of who names it', (t) => {
  t.like(findCrossProblems([placed('a', withUsers)], noSecret), [
    { file: 'a.yaml', message: 'there is no such Secret' },
  ]);

  const [problem] = findCrossProblems([placed('a', withUsers)], () => ({
    found: true,
    fields: { auth: 'ann:plain' },
  }));
  t.regex(problem?.message ?? '', /line 1: /);
});
