import test from 'ava';
import type { OriginConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import type { MirrorRouteSpec } from '../../../contracts/kinds/mirror-route/spec.ts';
import type { ServiceReference } from '../../../contracts/service-reference.ts';
import {
  mirrorConfig,
  mirrorRouteConfig,
  ruleConfig,
} from '../../../test/support/mirror-route-config.ts';
import { readCrd } from '../../schema/crd.ts';
import { applyDefaults } from '../../schema/defaults.ts';
import type { KnownCa, KnownService, Resolved } from '../decider.ts';
import { casIn } from './ca-certificates.ts';
import { withBackends, withReferences } from './references.ts';
import { servicesIn, servicesOf } from './services.ts';

const origin = (name: string, port = 80) =>
  ({
    scheme: 'http',
    host: `${name}.team-a.svc`,
    port,
    service: { namespace: 'team-a', name, from: 'team-a' },
    protocol: 'HTTP1',
  }) as const;
const config = mirrorRouteConfig({
  rules: [
    ruleConfig({
      backends: [{ weight: 1, origin: origin('shop') }],
      mirrors: [mirrorConfig({ name: 'next', origin: origin('shop-next') })],
    }),
  ],
});
type Known = {
  readonly services?: Readonly<Record<string, readonly number[]>>;
  readonly cas?: Readonly<Record<string, string>>;
};

const known = ({ services = {}, cas = {} }: Known): Pick<Resolved, 'serviceOf' | 'caOf'> => ({
  serviceOf({ namespace, name }): KnownService {
    const ports = services[name];
    return ports === undefined
      ? { found: false, message: `there is no Service ${namespace}/${name}` }
      : { found: true, ports };
  },
  caOf({ namespace, name }): KnownCa {
    const pem = cas[name];
    return pem === undefined
      ? { found: false, message: `there is no Secret ${namespace}/${name}` }
      : { found: true, pem };
  },
});

test('a route whose Services are there is taken as it is', (t) => {
  t.deepEqual(withBackends(config, known({ services: { shop: [80], 'shop-next': [80, 81] } })), {
    accepted: true,
    config: { ...config, unresolved: [] },
  });
});

test('a backend that is not there refuses the version, and says where', (t) => {
  t.deepEqual(withBackends(config, known({ services: { 'shop-next': [80] } })), {
    accepted: false,
    reason: 'BackendNotFound',
    message: 'spec.rules[0].backendRefs[0]: there is no Service team-a/shop',
  });
});

test('a port that the Service does not have is no backend either', (t) => {
  t.like(withBackends(config, known({ services: { shop: [8080, 9090], 'shop-next': [80] } })), {
    accepted: false,
    message:
      'spec.rules[0].backendRefs[0]: Service team-a/shop has no TCP port 80; it has 8080, 9090',
  });
});

test('a mirror that is not there is said, and the primary is served', (t) => {
  const outcome = withBackends(config, known({ services: { shop: [80] } }));

  t.true(outcome.accepted);
  t.deepEqual('config' in outcome ? outcome.config.unresolved : null, [
    {
      mirror: 'rule-1/next',
      reason: 'BackendNotFound',
      message: 'mirror "next" of rule-1 gets no copies: there is no Service team-a/shop-next',
    },
  ]);
});

test('what a route in force refers to is known from its configuration', (t) => {
  t.deepEqual(servicesIn(config), [
    { namespace: 'team-a', name: 'shop', from: 'team-a' },
    { namespace: 'team-a', name: 'shop-next', from: 'team-a' },
  ]);
});

/** Over TLS, trusting the authorities in these Secrets. */
const secure = (
  ...cas: ReadonlyArray<readonly [name: string, pem: string | null]>
): OriginConfig => ({
  ...{ scheme: 'https', host: 'shop.example', port: 443, service: null, protocol: 'HTTP1' },
  tls: {
    ...{ hostname: 'shop.example', minVersion: 'TLSv1.2' },
    caCertificates: cas.map(([name, pem]) => ({ namespace: 'team-a', name, pem })),
  },
});
const plain: OriginConfig = {
  scheme: 'http',
  host: 'shop.example',
  port: 80,
  service: null,
  protocol: 'HTTP1',
};
const routeTo = (backend: OriginConfig, mirror: OriginConfig) =>
  mirrorRouteConfig({
    rules: [
      ruleConfig({
        backends: [{ weight: 1, origin: backend }],
        mirrors: [mirrorConfig({ name: 'next', origin: mirror })],
      }),
    ],
  });

test('CA certificates are put where they are referred to', (t) => {
  const found = known({ cas: { ours: 'PEM 1', theirs: 'PEM 2' } });
  const written = routeTo(secure(['ours', null]), secure(['ours', null], ['theirs', null]));

  t.deepEqual(withBackends(written, found), {
    accepted: true,
    config: routeTo(secure(['ours', 'PEM 1']), secure(['ours', 'PEM 1'], ['theirs', 'PEM 2'])),
  });
});

test('a backend whose CA certificates are not there refuses the version, and says where', (t) => {
  const written = routeTo(secure(['ours', null], ['theirs', null]), plain);

  t.deepEqual(withBackends(written, known({ cas: { ours: 'PEM 1' } })), {
    accepted: false,
    reason: 'InvalidCACertificateRef',
    message:
      'spec.rules[0].backendRefs[0].tls.caCertificateRefs[1]: there is no Secret team-a/theirs',
  });
});

test('a mirror whose CA certificates are not there is said, and has none', (t) => {
  const written = routeTo(plain, secure(['ours', null]));

  const { rules, ...rest } = routeTo(plain, secure(['ours', null]));
  t.deepEqual(withBackends(written, known({})), {
    accepted: true,
    config: {
      ...rest,
      rules,
      unresolved: [
        {
          mirror: 'rule-1/next',
          reason: 'InvalidCACertificateRef',
          message:
            'mirror "next" of rule-1 gets no copies: tls.caCertificateRefs[0]: there is no Secret team-a/ours',
        },
      ],
    },
  });
});

test('a version that was accepted before gets the CA certificates of now, or is refused for want of them', (t) => {
  const before = routeTo(secure(['ours', 'PEM of then']), plain);

  t.deepEqual(withReferences(before, known({ cas: { ours: 'PEM of now' } })), {
    accepted: true,
    config: routeTo(secure(['ours', 'PEM of now']), plain),
  });
  t.like(withReferences(before, known({})), {
    accepted: false,
    reason: 'InvalidCACertificateRef',
  });
});

test('a version that was accepted before is served though a Service of its backends is gone', (t) => {
  t.like(withReferences(config, known({})), { accepted: true });
});

test('which CA certificates a route in force needs is known from its configuration', (t) => {
  t.deepEqual(casIn(routeTo(secure(['ours', 'PEM']), secure(['theirs', null]))), [
    { namespace: 'team-a', name: 'ours' },
    { namespace: 'team-a', name: 'theirs' },
  ]);
});

test('what nobody permits refuses the version as a backend, and is only said of a mirror', (t) => {
  const serviceOf = ({ name }: ServiceReference): KnownService =>
    name === denied
      ? { found: false, denied: true, message: 'nobody permits it' }
      : { found: true, ports: [80] };

  let denied = 'shop';
  t.deepEqual(withBackends(config, { ...known({}), serviceOf }), {
    accepted: false,
    reason: 'RefNotPermitted',
    message: 'spec.rules[0].backendRefs[0]: nobody permits it',
  });
  denied = 'shop-next';
  const outcome = withBackends(config, { ...known({}), serviceOf });
  t.deepEqual('config' in outcome ? outcome.config.unresolved : null, [
    {
      mirror: 'rule-1/next',
      reason: 'RefNotPermitted',
      message: 'mirror "next" of rule-1 gets no copies: nobody permits it',
    },
  ]);
});

test('Services as they are written are those of the route, unless they name another namespace', (t) => {
  const spec = applyDefaults(
    {
      listeners: [{ name: 'main', port: 8080 }],
      rules: [
        {
          backendRefs: [{ name: 'shop', port: 80 }, { url: 'http://shop' }],
          mirrors: [{ name: 'm', backendRef: { name: 'next', namespace: 'team-b', port: 80 } }],
        },
      ],
    },
    readCrd('MirrorRoute').schema.properties?.['spec'] ?? {},
  ) as MirrorRouteSpec; // the type is made of the schema

  t.deepEqual(servicesOf(spec, { kind: 'MirrorRoute', namespace: 'team-a', name: 'route' }), [
    { namespace: 'team-a', name: 'shop', from: 'team-a' },
    { namespace: 'team-b', name: 'next', from: 'team-a' },
  ]);
});
