import test from 'ava';
import { kinds } from '../../contracts/kinds/all-kinds.ts';
import { readCrd } from './crd.ts';
import { isExplained } from './explain-pattern.ts';
import type { StructuralSchema } from './structural.ts';
import { createValidator } from './validator.ts';

const validator = createValidator();

const listeners = [{ name: 'all', port: 3128 }];

function proxy(spec: unknown, metadata: unknown = { name: 'egress' }): unknown {
  return { apiVersion: 'headgate.dev/v1alpha1', kind: 'ForwardProxy', metadata, spec };
}

function problemsOf(object: unknown): readonly string[] {
  const checked = validator.validate(object);
  return checked.ok ? [] : checked.problems.map(({ field, message }) => `${field}: ${message}`);
}

test('what a user leaves out is filled in', (t) => {
  const checked = validator.validate(proxy({ listeners: [{ name: 'all' }] }));

  t.like(checked, {
    ok: true,
    key: { kind: 'ForwardProxy', namespace: 'default', name: 'egress' },
    holdAt: null,
    spec: {
      pool: 'default',
      listeners: [{ name: 'all', address: '::', protocol: 'Mixed' }],
      authentication: { mode: 'None', attempts: 30 },
      connect: { enabled: true, allowedPorts: [443] },
      timeouts: { handshake: '10s', tunnelMax: '0s' },
      metrics: { clientLabel: { mode: 'None', max: 100 } },
    },
  });
});

test('a null is a field left out', (t) => {
  const checked = validator.validate(proxy({ listeners, connect: null, via: { pseudonym: null } }));

  t.like(checked, { ok: true, spec: { connect: { allowedPorts: [443] }, via: { enabled: true } } });
});

const refused: Readonly<Record<string, readonly [object: unknown, problems: readonly string[]]>> = {
  'a list': [[], [': is not a resource: apiVersion, kind and metadata are missing']],
  'no apiVersion': [
    { kind: 'ForwardProxy' },
    ['apiVersion: is missing; write headgate.dev/v1alpha1'],
  ],
  'no kind': [{ apiVersion: 'v1' }, ['kind: is missing; write ForwardProxy or MirrorRoute']],
  'another version of ours': [
    { apiVersion: 'headgate.dev/v2', kind: 'ForwardProxy' },
    ['apiVersion: "headgate.dev/v2" is not known here; write headgate.dev/v1alpha1'],
  ],
  'a misspelt kind': [
    { apiVersion: 'headgate.dev/v1alpha1', kind: 'ForwardProxi' },
    ['kind: "ForwardProxi" of headgate.dev/v1alpha1 is not known here; did you mean ForwardProxy?'],
  ],
  'a foreign kind': [
    { apiVersion: 'apps/v1', kind: 'Deployment' },
    [
      'kind: "Deployment" of apps/v1 is not known here; known are ForwardProxy, MirrorRoute, Secret, Service, EndpointSlice, ReferenceGrant',
    ],
  ],
  'no name': [proxy({ listeners }, {}), ['metadata.name: is missing']],
  'a number for a name': [
    proxy({ listeners }, { name: 7 }),
    ['metadata.name: must be text, not 7: put it in quotes'],
  ],
  'a name that would become another subject': [
    proxy({ listeners }, { name: 'a.*.>' }),
    ['metadata.name: "a.*.>" is not a name of lower-case letters, digits and "-", such as team-a'],
  ],
  'a namespace with a dot': [
    proxy({ listeners }, { name: 'a', namespace: 'a.b' }),
    [
      'metadata.namespace: "a.b" is not a name of lower-case letters, digits and "-", such as team-a',
    ],
  ],
  'a misspelt annotation field': [
    proxy({ listeners }, { name: 'a', anotations: {} }),
    ['metadata.anotations: is not a known field; did you mean "annotations"?'],
  ],
  'a hold that is no version': [
    proxy({ listeners }, { name: 'a', annotations: { 'headgate.dev/hold-at': 'yesterday' } }),
    [
      'metadata.annotations["headgate.dev/hold-at"]: "yesterday" is not a version, which is a number as `headgate events` shows it',
    ],
  ],
  'no spec': [proxy(undefined), ['spec: is missing']],
  'a field beside the spec': [
    { ...Object(proxy({ listeners })), specs: {} },
    ['specs: is not a known field; did you mean "spec"?'],
  ],
  'a misspelt field': [
    proxy({ listeners: [{ name: 'all', prot: 3128 }] }),
    ['spec.listeners[0].prot: is not a known field; did you mean "port"?'],
  ],
  'a field of nothing we know': [
    proxy({ listeners, dns: { servers: [] } }),
    ['spec.dns.servers: is not a known field; known here: timeout, family'],
  ],
  'a port in quotes': [
    proxy({ listeners: [{ name: 'all', port: '3128' }] }),
    ['spec.listeners[0].port: must be a whole number, not "3128": remove the quotes'],
  ],
  'a port too many': [
    proxy({ listeners: [{ name: 'all', port: 65_536 }] }),
    ['spec.listeners[0].port: 65536 is too big: 65535 is the most'],
  ],
  'a misspelt choice': [
    proxy({ listeners: [{ name: 'all', protocol: 'Socks' }] }),
    ['spec.listeners[0].protocol: "Socks" is not one of HTTP, SOCKS, Mixed; did you mean SOCKS?'],
  ],
  'a boolean where a word belongs': [
    proxy({ listeners, forwardedHeader: false }),
    ['spec.forwardedHeader: must be text, not false: put it in quotes'],
  ],
  'two listeners of one name': [
    proxy({ listeners: [...listeners, { name: 'all', port: 1080 }] }),
    ['spec.listeners[1].name: "all" is already the name of spec.listeners[0]'],
  ],
  'two listeners on one port': [
    proxy({ listeners: [...listeners, { name: 'more', port: 3128 }] }),
    ['spec.listeners: two listeners have the same address and port: give each its own'],
  ],
  'two listeners on one port, once written and once by default': [
    proxy({ listeners: [...listeners, { name: 'more' }] }),
    ['spec.listeners[1].port: 3128 on :: is taken by listener "all"'],
  ],
  'an empty list of hosts': [
    proxy({ listeners, egress: { rules: [{ name: 'r', action: 'Deny', hosts: [] }] } }),
    ['spec.egress.rules[0].hosts: is an empty list: list something, or leave the field out'],
  ],
  'SOCKS4 with passwords': [
    proxy({
      listeners: [{ name: 'all', socksVersions: ['SOCKS4', 'SOCKS5'] }],
      authentication: { mode: 'Basic', basic: { secretRef: { name: 'users' } } },
    }),
    [
      'spec.listeners: SOCKS4 and SOCKS4a carry no password: with authentication list only SOCKS5 in socksVersions, or leave socksVersions out',
    ],
  ],
  'Basic without a Secret': [
    proxy({ listeners, authentication: { mode: 'Basic' } }),
    [
      'spec.authentication.basic: mode Basic needs basic.secretRef.name, a Secret whose key `auth` holds htpasswd lines',
    ],
  ],
  'a time-out of nothing, and one too long': [
    proxy({ listeners, timeouts: { idle: '0s' }, dns: { timeout: '1m' } }),
    [
      'spec.dns.timeout: must be longer than 0s and at most 30s',
      'spec.timeouts.idle: must be longer than 0s and at most 168h',
    ],
  ],
  'what only the code of the kind can see': [
    proxy({ listeners, connect: { allowedPorts: ['9-8'] } }),
    [
      'spec.connect.allowedPorts[0]: "9-8" is neither a port (1-65535) nor a range such as "8000-8999"',
    ],
  ],
  'a field that is none in JavaScript either': [
    proxy(JSON.parse('{"listeners": [{"name": "all"}], "__proto__": {"pool": "x"}}')),
    [
      'spec.__proto__: is not a known field; known here: pool, listeners, authentication, connect, egress, dns, timeouts, limits, via, forwardedHeader, drain, accessLog, metrics',
    ],
  ],
};

for (const [title, [object, problems]] of Object.entries(refused)) {
  test(`refused with field and remedy: ${title}`, (t) => {
    t.deepEqual(problemsOf(object), problems);
  });
}

test('every problem is told, not only the first', (t) => {
  const problems = problemsOf(proxy({ listeners: [{ name: 'A', prot: 1 }], pool: '' }));

  t.is(problems.length, 4);
});

test('what kubectl get -o yaml prints may be written back', (t) => {
  const metadata = { name: 'a', uid: '1', resourceVersion: '2', managedFields: [], generation: 3 };
  const object = { ...Object(proxy({ listeners }, metadata)), status: { conditions: [] } };

  t.deepEqual(problemsOf(object), []);
});

test('a hold is read from its annotation', (t) => {
  const annotations = { 'headgate.dev/hold-at': '42' };

  t.like(validator.validate(proxy({ listeners }, { name: 'a', annotations })), { holdAt: 42 });
});

test('every pattern of the definitions is explained in words', (t) => {
  const specs = kinds.map((kind) => readCrd(kind).schema.properties?.['spec'] ?? {});

  const patterns = specs.flatMap(patternsOf);

  t.true(patterns.length > 50);
  t.deepEqual(
    patterns.filter((pattern) => !isExplained(pattern)),
    [],
  );
});

function patternsOf(schema: StructuralSchema): readonly string[] {
  const below = [...Object.values(schema.properties ?? {}), schema.items ?? {}];
  const nested = Object.keys(schema).length === 0 ? [] : below.flatMap(patternsOf);
  return schema.pattern === undefined ? nested : [schema.pattern, ...nested];
}
