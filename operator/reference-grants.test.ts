import test from 'ava';
import { isPermitted, notPermitted, readGrant } from './reference-grants.ts';

const reference = {
  kind: 'MirrorRoute',
  from: 'team-a',
  namespace: 'team-b',
  name: 'shop',
} as const;
const ourRoutes = { group: 'headgate.dev', kind: 'MirrorRoute', namespace: 'team-a' };
const anyService = { group: '', kind: 'Service' };
const grant = (from: unknown, to: unknown) => readGrant({ spec: { from, to } });

const permitting: ReadonlyArray<readonly [what: string, from: unknown, to: unknown]> = [
  ['any Service', [ourRoutes], [anyService]],
  ['this Service', [ourRoutes], [{ ...anyService, name: 'shop' }]],
  [
    'one of several',
    [{ ...ourRoutes, namespace: 'team-c' }, ourRoutes],
    [
      { ...anyService, name: 'cart' },
      { ...anyService, name: 'shop' },
    ],
  ],
];

for (const [what, from, to] of permitting) {
  test(`a grant for ${what} permits it`, (t) => {
    t.true(isPermitted([grant([], []), grant(from, to)], reference));
  });
}

const others: ReadonlyArray<readonly [what: string, from: unknown, to: unknown]> = [
  ['another namespace', [{ ...ourRoutes, namespace: 'team-c' }], [anyService]],
  ['another kind', [{ ...ourRoutes, kind: 'HTTPRoute' }], [anyService]],
  ['the kind of another group', [{ ...ourRoutes, group: 'other.dev' }], [anyService]],
  ['another Service', [ourRoutes], [{ ...anyService, name: 'cart' }]],
  ['Secrets', [ourRoutes], [{ group: '', kind: 'Secret' }]],
  ['Services of another group', [ourRoutes], [{ group: 'other.dev', kind: 'Service' }]],
  ['nothing', [ourRoutes], []],
  ['nobody', [], [anyService]],
  ['a target without group', [ourRoutes], [{ kind: 'Service' }]],
  ['a name that is no text', [ourRoutes], [{ ...anyService, name: 1 }]],
  ['what is no list', ourRoutes, anyService],
];

for (const [what, from, to] of others) {
  test(`a grant for ${what} does not permit it`, (t) => {
    t.false(isPermitted([grant(from, to)], reference));
  });
}

test('what one grant says of who and another of what is no permission', (t) => {
  const grants = [
    grant([ourRoutes], [{ ...anyService, name: 'cart' }]),
    grant([{ ...ourRoutes, namespace: 'team-c' }], [anyService]),
  ];

  t.false(isPermitted(grants, reference));
});

test('what is missing is said, as it has to be written', (t) => {
  t.is(
    notPermitted(reference).message,
    'Service team-b/shop is in another namespace, and no ReferenceGrant there permits it: namespace team-b needs one from {group: headgate.dev, kind: MirrorRoute, namespace: team-a} to {group: "", kind: Service, name: shop}',
  );
});
