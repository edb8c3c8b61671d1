import test from 'ava';
import { allKinds } from '../../contracts/kinds/all-kinds.ts';
import { logEventTypes } from '../../contracts/log-events.ts';
import { createSubjects } from '../../contracts/subjects.ts';
import { forwardProxyConfig } from '../../test/support/forward-proxy-config.ts';
import {
  type ConfigEntry,
  type DesiredState,
  disconnected,
  nothingDesired,
  withEntries,
  withMalformed,
  withSnapshot,
} from './desired-state.ts';

const withEntry = (state: DesiredState, logId: string, one: ConfigEntry) =>
  withEntries(state, logId, [one]);

const subjects = createSubjects();
const config = forwardProxyConfig();
const key = (name: string) => ({ kind: 'ForwardProxy', namespace: 'team-a', name }) as const;
const subjectOf = (name: string) => subjects.config('default', key(name));

const entry = (sequence: number, name: string, type: string, data: unknown): ConfigEntry => ({
  subject: subjectOf(name),
  sequence,
  event: { type, subject: `ForwardProxy/team-a/${name}`, data },
});

const decided = { uid: 'u1', generation: 1, specDigest: 's', inputs: 'i', cause: null };
const configured = (
  sequence: number,
  name: string,
  change: Readonly<Record<string, unknown>> = {},
) =>
  entry(sequence, name, allKinds.ForwardProxy.eventTypes.ForwardProxyConfigured, {
    type: 'ForwardProxyConfigured',
    ...decided,
    uid: `uid-${name}`,
    config,
    ...change,
  });
const removed = (sequence: number, name: string) =>
  entry(sequence, name, allKinds.ForwardProxy.eventTypes.ForwardProxyRemoved, {
    type: 'ForwardProxyRemoved',
    uid: `uid-${name}`,
  });
const newerConfig = { ...config, bandwidthLimit: '1Mi' };

const published = (sequence: number, logId: string): ConfigEntry => ({
  subject: subjects.pool('default'),
  sequence,
  event: {
    type: logEventTypes.poolPublished,
    subject: 'default',
    data: { pool: 'default', logId },
  },
});

const endpoints = (
  sequence: number,
  name: string,
  address: string,
  from = 'team-a',
): ConfigEntry => ({
  subject: subjects.endpoints('default', { namespace: 'team-a', name, from }),
  sequence,
  event: {
    type: logEventTypes.endpointsObserved,
    subject: `Service/team-a/${name}`,
    data: {
      namespace: 'team-a',
      name,
      from,
      ports: [{ port: 80, endpoints: [{ address, port: 8080 }] }],
    },
  },
});

const sealed = (sequence: number, name: string, digest = 'd'): ConfigEntry => ({
  subject: subjects.secret('default', 'team-a', name),
  sequence,
  event: {
    type: logEventTypes.secretSealed,
    subject: `Secret/team-a/${name}`,
    data: { namespace: 'team-a', name, digest, keyId: 'k', fields: { auth: 'jwe' } },
  },
});

const names = (state: DesiredState) =>
  [...state.resources.values()].map(({ key: { name } }) => name);
const secrets = (state: DesiredState) => [...state.secrets.keys()];

test('a snapshot is what to serve, complete when it says so for its own log', (t) => {
  const state = withSnapshot(nothingDesired, 'log-1', 9, [
    configured(3, 'a'),
    sealed(4, 'users'),
    published(5, 'log-1'),
  ]);

  t.like(state, { logId: 'log-1', sequence: 9, published: true });
  t.deepEqual(state.resources.get(subjectOf('a')), {
    key: key('a'),
    uid: 'uid-a',
    generation: 1,
    sequence: 3,
    logId: 'log-1',
    content: { servable: true, config },
  });
  t.like(state.secrets.get('team-a/users'), { digest: 'd', logId: 'log-1' });
  t.false(withSnapshot(nothingDesired, 'log-1', 9, [published(5, 'log-0')]).published);
});

test('events after the snapshot configure, replace and remove', (t) => {
  const start = withSnapshot(nothingDesired, 'log-1', 5, [
    configured(3, 'a'),
    published(5, 'log-1'),
  ]);
  const added = withEntry(start, 'log-1', configured(6, 'b'));
  const replaced = withEntry(added, 'log-1', configured(7, 'a', { generation: 2 }));
  const gone = withEntry(replaced, 'log-1', removed(8, 'a'));

  t.deepEqual(names(added), ['a', 'b']);
  t.like(replaced.resources.get(subjectOf('a')), { generation: 2, sequence: 7 });
  t.deepEqual([names(gone), gone.sequence], [['b'], 8]);
  t.deepEqual([names(start), start.sequence], [['a'], 5], 'earlier states stay as they were');
});

test('a complete snapshot removes what it lacks', (t) => {
  const state = withSnapshot(nothingDesired, 'log-1', 5, [
    configured(1, 'a'),
    configured(2, 'b'),
    sealed(3, 'users'),
    published(4, 'log-1'),
  ]);
  const next = withSnapshot(state, 'log-1', 9, [configured(2, 'b'), published(4, 'log-1')]);

  t.deepEqual([names(next), secrets(next)], [['b'], []]);
});

test('a snapshot of a log that is still being filled removes nothing', (t) => {
  const state = withSnapshot(nothingDesired, 'log-1', 5, [
    configured(1, 'a'),
    configured(2, 'b'),
    sealed(3, 'users'),
    published(4, 'log-1'),
  ]);
  const empty = withSnapshot(state, 'log-2', 0, []);
  const partial = withSnapshot(state, 'log-2', 101, [configured(101, 'b', { generation: 7 })]);

  t.deepEqual([names(empty), secrets(empty)], [['a', 'b'], ['team-a/users']]);
  t.like(empty, { logId: 'log-2', published: false });
  t.deepEqual(names(partial), ['a', 'b']);
  t.like(partial.resources.get(subjectOf('b')), { generation: 7, logId: 'log-2' });
});

test('once a new log says it is complete, what only the old one had goes', (t) => {
  const old = withSnapshot(nothingDesired, 'log-1', 5, [
    configured(1, 'a'),
    configured(2, 'b'),
    sealed(3, 'one'),
    sealed(3, 'two'),
    published(4, 'log-1'),
  ]);
  const filling = [configured(101, 'b'), sealed(102, 'two')].reduce(
    (state, next) => withEntry(state, 'log-2', next),
    withSnapshot(old, 'log-2', 100, []),
  );
  t.deepEqual(
    [names(filling), secrets(filling)],
    [
      ['a', 'b'],
      ['team-a/one', 'team-a/two'],
    ],
  );

  const other = withEntry(filling, 'log-2', published(103, 'log-1'));
  t.deepEqual([names(other), other.published], [['a', 'b'], false], 'said of another log');

  const complete = withEntry(filling, 'log-2', published(103, 'log-2'));
  t.deepEqual([names(complete), secrets(complete)], [['b'], ['team-a/two']]);
  t.like(complete, { published: true, sequence: 103 });
});

test('a resource removed in a log that is still being filled is gone', (t) => {
  const old = withSnapshot(nothingDesired, 'log-1', 5, [configured(1, 'a'), published(4, 'log-1')]);

  t.deepEqual(names(withSnapshot(old, 'log-2', 101, [removed(101, 'a')])), []);
});

const unservable: ReadonlyArray<readonly [string, ConfigEntry, string]> = [
  ['an unknown field', configured(8, 'a', { config: newerConfig }), 'UnsupportedField'],
  [
    'a newer event type',
    entry(8, 'a', 'dev.headgate.forwardproxy.configured.v2', {}),
    'UnsupportedField',
  ],
  [
    'a broken configuration',
    configured(8, 'a', { config: { ...config, listeners: null } }),
    'Invalid',
  ],
  [
    'an event that is none',
    entry(8, 'a', allKinds.ForwardProxy.eventTypes.ForwardProxyConfigured, null),
    'Invalid',
  ],
];

for (const [what, next, reason] of unservable) {
  test(`${what} is not served in part, and stays the business of the resource it is about`, (t) => {
    const before = [configured(3, 'a', { generation: 4 }), published(4, 'log-1')];
    const state = withSnapshot(nothingDesired, 'log-1', 5, before);
    const expected = {
      uid: 'uid-a',
      generation: 4,
      sequence: 8,
      content: { servable: false, reason },
    };
    const live = withEntry(state, 'log-1', next);
    // The pod that follows anew must still know which resource keeps its last good version.
    const again = withSnapshot(state, 'log-1', 8, [next, published(4, 'log-1')]);
    const elsewhere = withSnapshot(state, 'log-2', 8, [next, published(4, 'log-2')]);

    for (const { resources } of [live, again, elsewhere]) {
      t.like(resources.get(subjectOf('a')), expected);
    }
    t.like(withSnapshot(nothingDesired, 'log-1', 8, [next]).resources.get(subjectOf('a')), {
      content: { servable: false, reason },
    });
  });
}

test('a version that can be served again replaces one that could not', (t) => {
  const refused = withSnapshot(nothingDesired, 'log-1', 8, [
    configured(8, 'a', { config: newerConfig }),
  ]);
  const state = withEntry(refused, 'log-1', configured(9, 'a'));

  t.like(state.resources.get(subjectOf('a')), { uid: 'uid-a', content: { servable: true } });
});

test('what is about nothing known changes nothing but the position', (t) => {
  const state = withSnapshot(nothingDesired, 'log-1', 5, [configured(3, 'a')]);
  const { data, type } = configured(6, 'b').event;

  for (const subject of ['Gateway/team-a/b', 'ForwardProxy', 'ForwardProxy/team-a', '']) {
    const next = withEntry(state, 'log-1', {
      subject: 'x',
      sequence: 6,
      event: { type, subject, data },
    });
    t.deepEqual(next, { ...state, sequence: 6 }, subject);
  }
  const { event, ...place } = sealed(6, 'users');
  const broken = withEntry(state, 'log-1', {
    ...place,
    event: { ...event, data: { name: 'users' } },
  });
  t.deepEqual(broken, { ...state, sequence: 6 });
});

const malformed = (sequence: number, subject: string) => ({
  subject,
  sequence,
  problem: 'not a CloudEvent',
});

test('what a complete snapshot lacks because it cannot be read is kept, and refused', (t) => {
  const before = withSnapshot(nothingDesired, 'log-1', 5, [
    configured(3, 'a'),
    sealed(4, 'users'),
    published(5, 'log-1'),
  ]);

  const told = [
    malformed(6, subjectOf('a')),
    malformed(7, subjects.secret('default', 'team-a', 'users')),
  ].reduce(withMalformed, disconnected(before));
  const after = withSnapshot(told, 'log-1', 8, [published(5, 'log-1')]);

  t.deepEqual(secrets(after), ['team-a/users']);
  t.like(after.resources.get(subjectOf('a')), {
    uid: 'uid-a',
    sequence: 6,
    content: { servable: false, message: 'not a CloudEvent' },
  });
});

test('a malformed entry takes nothing away, and the next one that can be read replaces it', (t) => {
  const before = withSnapshot(nothingDesired, 'log-1', 5, [
    configured(3, 'a'),
    published(5, 'log-1'),
  ]);

  const unknown = withMalformed(before, malformed(6, subjectOf('a')));
  const mended = withEntry(unknown, 'log-1', configured(7, 'a'));

  t.like(unknown, { sequence: 6 });
  t.false(unknown.resources.get(subjectOf('a'))?.content.servable);
  t.true(mended.resources.get(subjectOf('a'))?.content.servable);
  t.is(mended.unreadable.size, 0);
});

test('what cannot be read in a rebuilt log outlives the word that all is published', (t) => {
  const before = withSnapshot(nothingDesired, 'log-1', 5, [
    configured(3, 'a'),
    configured(4, 'b'),
    published(5, 'log-1'),
  ]);

  const rebuilding = withSnapshot(disconnected(before), 'log-2', 1, []);
  const after = withEntry(
    withMalformed(rebuilding, malformed(2, subjectOf('a'))),
    'log-2',
    published(3, 'log-2'),
  );

  t.deepEqual(names(after), ['a']);
});

test('who serves a Service is what was said last, and what is not said any more is gone', (t) => {
  const first = withSnapshot(nothingDesired, 'log', 3, [
    endpoints(1, 'shop', '10.0.0.1'),
    endpoints(2, 'cart', '10.0.0.9'),
    published(3, 'log'),
  ]);
  const second = withEntries(first, 'log', [endpoints(4, 'shop', '10.0.0.2')]);
  const third = withSnapshot(second, 'log', 6, [
    endpoints(4, 'shop', '10.0.0.2'),
    published(3, 'log'),
  ]);

  const addresses = ({ endpoints: known }: typeof first) =>
    Array.from(known, ([name, { ports, sequence }]) => [
      name,
      ports[0]?.endpoints[0]?.address,
      sequence,
    ]);
  t.deepEqual(addresses(first), [
    ['team-a/shop', '10.0.0.1', 1],
    ['team-a/cart', '10.0.0.9', 2],
  ]);
  t.deepEqual(addresses(second)[0], ['team-a/shop', '10.0.0.2', 4]);
  t.deepEqual(addresses(third), [['team-a/shop', '10.0.0.2', 4]]);
});

test('endpoints of a log that was lost stay until the new one is published', (t) => {
  const old = withSnapshot(nothingDesired, 'old', 2, [
    endpoints(1, 'shop', '10.0.0.1'),
    published(2, 'old'),
  ]);

  const unpublished = withSnapshot(old, 'new', 100, []);
  const complete = withEntries(unpublished, 'new', [published(101, 'new')]);

  t.is(unpublished.endpoints.size, 1);
  t.is(complete.endpoints.size, 0);
});
