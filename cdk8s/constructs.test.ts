import test from 'ava';
import { App, Chart, Testing } from 'cdk8s';
import {
  ForwardProxy,
  type ForwardProxyProps,
  Headgate,
  MirrorRoute,
  type MirrorRouteProps,
} from './constructs.ts';
import type { HeadgateProps } from './install.ts';

test('a ForwardProxy is what was written, in the namespace of its chart', (t) => {
  const chart = new Chart(Testing.app(), 'team', { namespace: 'team-a', labels: { team: 'a' } });
  const spec = { listeners: [{ name: 'all', port: 3128 }] };
  new ForwardProxy(chart, 'egress', { metadata: { name: 'egress' }, spec });

  t.deepEqual(Testing.synth(chart), [
    {
      apiVersion: 'headgate.dev/v1alpha1',
      kind: 'ForwardProxy',
      metadata: { name: 'egress', namespace: 'team-a', labels: { team: 'a' } },
      spec,
    },
  ]);
});

test('a MirrorRoute is what was written, in the namespace of its chart', (t) => {
  const chart = new Chart(Testing.app(), 'team', { namespace: 'team-a' });
  const backendRefs = [{ url: 'http://shop' }];
  const mirrors = [{ name: 'canary', backendRef: { url: 'http://canary' }, percent: 10 }];
  const spec = { listeners: [{ name: 'main', port: 8080 }], rules: [{ backendRefs, mirrors }] };
  new MirrorRoute(chart, 'shop', { metadata: { name: 'shop' }, spec });

  t.deepEqual(Testing.synth(chart), [
    {
      apiVersion: 'headgate.dev/v1alpha1',
      kind: 'MirrorRoute',
      metadata: { name: 'shop', namespace: 'team-a' },
      spec,
    },
  ]);
});

const refused: Readonly<Record<string, readonly [spec: object, words: RegExp]>> = {
  'a port that is none': [
    { listeners: [{ name: 'all', port: 70000 }] },
    /\[team\/egress\] spec\.listeners\[0\]\.port: .*65535/,
  ],
  'a field that does not exist': [
    { listeners: [{ name: 'all' }], conect: { enabled: false } },
    /spec\.conect: .*did you mean "connect"/,
  ],
  'what a rule of the definition forbids': [
    { listeners: [{ name: 'all', protocol: 'HTTP', socksVersions: ['SOCKS5'] }] },
    /speaks no SOCKS/,
  ],
  'a CIDR that is none': [
    { listeners: [{ name: 'all', allowedClientCIDRs: ['10.0.0.0/33'] }] },
    /allowedClientCIDRs.*10\.0\.0\.0\/33/,
  ],
};

for (const [title, [spec, words]] of Object.entries(refused)) {
  test(`synth refuses ${title}, and says where`, (t) => {
    const chart = new Chart(Testing.app(), 'team', { namespace: 'team-a' });
    // As somebody without types would write it.
    new ForwardProxy(chart, 'egress', { spec } as ForwardProxyProps);

    t.throws(() => chart.toJson(), { message: words });
  });
}

test('synth refuses a MirrorRoute without backend, and says where', (t) => {
  const chart = new Chart(Testing.app(), 'team', { namespace: 'team-a' });
  const spec: object = { listeners: [{ name: 'main', port: 8080 }], rules: [{ name: 'all' }] };
  // As somebody without types would write it.
  new MirrorRoute(chart, 'shop', { spec } as MirrorRouteProps);

  t.throws(() => chart.toJson(), {
    message: /\[team\/shop\] spec\.rules\[0\]\.backendRefs: is missing/,
  });
});

test('synth names every resource that is wrong at once', (t) => {
  const chart = new Chart(Testing.app(), 'team', { namespace: 'team-a' });
  new ForwardProxy(chart, 'one', { spec: { listeners: [] } });
  new ForwardProxy(chart, 'two', { spec: { listeners: [] } });

  t.throws(() => chart.toJson(), { message: /\[team\/one\].*\n.*\[team\/two\]/ });
});

const misinstalled: Readonly<Record<string, readonly [HeadgateProps, RegExp]>> = {
  'a namespace that cannot be': [{ namespace: 'Headgate' }, /"Headgate" is not a name/],
  'no operator': [{ replicas: 0 }, /replicas: 0 is not a number of operators/],
  'a pool of no threads': [{ pools: { edge: { workers: 0 } } }, /pools\.edge\.workers/],
  'a log of no name': [{ logName: 'Head Gate' }, /HEADGATE_LOG_NAME is "Head Gate"/],
  'a log of a few bytes': [{ logMaxBytes: 1000 }, /HEADGATE_LOG_MAX_BYTES is "1000"/],
  'a pool kept for half a second': [
    { keepUnusedPoolsSeconds: 0.5 },
    /HEADGATE_KEEP_UNUSED_POOLS_SECONDS is "0.5"/,
  ],
  'two copies of the log': [{ nats: { url: 'nats://a:4222', replicas: 2 } }, /1, 3 or 5, not 2/],
};

for (const [title, [props, words]] of Object.entries(misinstalled)) {
  test(`synth refuses an installation with ${title}`, (t) => {
    const headgate = new Headgate(new App(), 'headgate', props);

    t.throws(() => headgate.toJson(), { message: words });
  });
}

test('synth refuses a password in the address of NATS, and does not repeat it', (t) => {
  const nats = { url: 'nats://headgate:open-sesame@nats:4222' };
  const headgate = new Headgate(new App(), 'headgate', { nats });

  const error = t.throws(() => headgate.toJson(), { message: /nats\.url/ });

  t.false(error.message.includes('open-sesame'));
});

test('an installation in another namespace shares definitions and the roles of users, nothing else', (t) => {
  const of = (namespace: string) =>
    new Headgate(new App(), 'headgate', { namespace })
      .toJson()
      .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''} ${metadata.name}`);
  const others = new Set(of('headgate-edge'));

  const shared = of('headgate-system').filter((object) => others.has(object));

  t.deepEqual(shared, [
    'CustomResourceDefinition  forwardproxies.headgate.dev',
    'CustomResourceDefinition  mirrorroutes.headgate.dev',
    'ClusterRole  headgate-view',
    'ClusterRole  headgate-edit',
  ]);
});

test('monitoring comes along only when it is asked for', (t) => {
  const kinds = (props: HeadgateProps) =>
    new Headgate(new App(), 'headgate', props).toJson().map(({ kind }) => kind);

  t.false(kinds({}).includes('PodMonitor'));
  t.true(kinds({ monitoring: {} }).includes('PodMonitor'));
  t.false(kinds({ monitoring: { prometheusOperator: false } }).includes('PodMonitor'));
});
