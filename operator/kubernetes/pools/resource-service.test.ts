import test from 'ava';
import { resourceService } from './resource-service.ts';

const wish = {
  namespace: 'headgate-system',
  name: 'fp-team-a-egress',
  key: { kind: 'ForwardProxy', namespace: 'team-a', name: 'egress' },
  uid: 'uid-1',
  pool: 'default',
} as const;

test('a Service has a port per listener, and says whose it is', (t) => {
  const service = resourceService({
    ...wish,
    listeners: [
      { listener: 'http', address: '::', port: 80 },
      { listener: 'socks', address: '0.0.0.0', port: 1080 },
    ],
  });

  t.like(service, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'fp-team-a-egress',
      namespace: 'headgate-system',
      labels: {
        'app.kubernetes.io/name': 'headgate',
        'app.kubernetes.io/component': 'dataplane',
        'app.kubernetes.io/managed-by': 'headgate-operator',
        'headgate.dev/owner-uid': 'uid-1',
      },
      annotations: { 'headgate.dev/owner': 'ForwardProxy/team-a/egress' },
    },
  });
  t.deepEqual(service?.['spec'], {
    type: 'ClusterIP',
    sessionAffinity: 'None',
    selector: {
      'app.kubernetes.io/name': 'headgate',
      'app.kubernetes.io/component': 'dataplane',
      'headgate.dev/pool': 'default',
    },
    ports: [
      { name: 'http', protocol: 'TCP', port: 80, targetPort: 80 },
      { name: 'socks', protocol: 'TCP', port: 1080, targetPort: 1080 },
    ],
  });
});

test('listeners that only their own pod can reach are not in the Service; without others there is none', (t) => {
  const inner = ['127.0.0.1', '::1', '0:0:0:0:0:0:0:1'].map((address, index) => ({
    listener: `inner-${index}`,
    address,
    port: 4000 + index,
  }));
  const outer = { listener: 'outer', address: '::', port: 3128 };

  t.is(resourceService({ ...wish, listeners: inner }), null);
  t.like(resourceService({ ...wish, listeners: [...inner, outer] }), {
    spec: { ports: [{ name: 'outer', port: 3128 }] },
  });
});

test('two listeners with one port on different addresses share the port of the Service', (t) => {
  const service = resourceService({
    ...wish,
    listeners: [
      { listener: 'a', address: '10.0.0.1', port: 3128 },
      { listener: 'b', address: '10.0.0.2', port: 3128 },
    ],
  });

  t.deepEqual((service as unknown as { spec: { ports: unknown } }).spec.ports, [
    { name: 'a', protocol: 'TCP', port: 3128, targetPort: 3128 },
  ]);
});
