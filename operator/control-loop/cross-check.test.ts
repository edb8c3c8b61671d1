import test from 'ava';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import { createValidator } from '../schema/validator.ts';
import { type CrossChecked, findCrossProblems } from './cross-check.ts';

const validator = createValidator();

const placed = (name: string, spec: unknown) => placedAs('ForwardProxy', name, spec);

function placedAs(kind: Kind, name: string, spec: unknown) {
  const key = { kind, namespace: 'team-a', name };
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
const nothing: CrossChecked = {
  readSecret: () => ({ found: false, message: 'there is no such Secret' }),
  readService: () => ({ found: false, message: 'there is no such Service' }),
  caOf: () => ({ found: false, message: 'there is no such Secret' }),
};

test('resources that do not meet are no problem', (t) => {
  const all = [
    placed('a', listenOn(3128)),
    placed('b', listenOn(3129)),
    placed('other-pool', listenOn(3128, { pool: 'other' })),
  ];

  t.deepEqual(findCrossProblems(all, nothing), []);
});

test('the second of two that want a port is named at its place', (t) => {
  const problems = findCrossProblems(
    [placed('b', listenOn(3128)), placed('a', listenOn(3128))],
    nothing,
  );

  t.like(problems, [{ file: 'b.yaml', field: 'spec.listeners' }]);
});

test('MirrorRoutes may share a listener, and are told how if it is not quite the same', (t) => {
  const route = (name: string, listener: object) =>
    placedAs('MirrorRoute', name, {
      listeners: [{ name: 'main', port: 8080, ...listener }],
      rules: [{ backendRefs: [{ url: 'http://shop.example' }] }],
    });

  t.deepEqual(
    findCrossProblems(
      [route('a', {}), route('b', { allowedClientCIDRs: ['10.0.0.0/8'] })],
      nothing,
    ),
    [],
  );
  const [problem] = findCrossProblems([route('a', {}), route('b', { name: 'web' })], nothing);
  t.regex(problem?.message ?? '', /give both listeners the same name \(web here, main there\)/);
});

test('a Secret that is missing or useless is a problem of who names it', (t) => {
  t.like(findCrossProblems([placed('a', withUsers)], nothing), [
    { file: 'a.yaml', message: 'there is no such Secret' },
  ]);

  const [problem] = findCrossProblems([placed('a', withUsers)], {
    ...nothing,
    readSecret: () => ({ found: true, fields: { auth: 'ann:plain' } }),
  });
  t.regex(problem?.message ?? '', /line 1: /);
});
