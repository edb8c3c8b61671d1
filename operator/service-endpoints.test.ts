import test from 'ava';
import { maxEntryBytes } from '../event-log/event-log.ts';
import { endpointsOf, readEndpointSlice, readService } from './service-endpoints.ts';

const service = readService({
  spec: {
    ports: [
      { name: 'http', port: 80, targetPort: 'web' },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
  },
});
const slice = (endpoints: readonly unknown[], more: Readonly<Record<string, unknown>> = {}) =>
  readEndpointSlice({
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints,
    ...more,
  });
const at = (address: string, conditions?: unknown) => ({ addresses: [address], conditions });

test('a port leads to the ready endpoints of all slices, at the port the slice says, sorted', (t) => {
  const slices = [
    slice([at('10.0.0.9', { ready: true }), at('10.0.0.1')]),
    slice([at('10.0.0.5', { ready: true }), at('10.0.0.9')]),
    slice([at('fd00::1')], { addressType: 'IPv6', ports: [{ name: 'http', port: 9090 }] }),
  ];

  t.deepEqual(endpointsOf(service, slices), [
    {
      port: 80,
      endpoints: [
        { address: '10.0.0.1', port: 8080 },
        { address: '10.0.0.5', port: 8080 },
        { address: '10.0.0.9', port: 8080 },
        { address: 'fd00::1', port: 9090 },
      ],
    },
  ]);
});

test('whoever is leaving serves only while nobody is ready', (t) => {
  const leaving = at('10.0.0.1', { ready: false, serving: true, terminating: true });
  const starting = at('10.0.0.2', { ready: false, serving: false, terminating: false });

  t.deepEqual(endpointsOf(service, [slice([leaving, starting])]), [
    { port: 80, endpoints: [{ address: '10.0.0.1', port: 8080 }] },
  ]);
  t.deepEqual(endpointsOf(service, [slice([leaving, starting, at('10.0.0.3')])]), [
    { port: 80, endpoints: [{ address: '10.0.0.3', port: 8080 }] },
  ]);
});

test('a Service without endpoints has its ports all the same', (t) => {
  t.deepEqual(endpointsOf(service, []), [{ port: 80, endpoints: [] }]);
});

test('an unnamed port finds the unnamed port of the slice; other names and names of hosts do not count', (t) => {
  const unnamed = readService({ spec: { ports: [{ port: 80 }] } });
  const slices = [
    slice([at('10.0.0.1')], { ports: [{ name: null, port: 8080 }] }),
    slice([at('10.0.0.2')]),
    slice([at('shop.example')], { addressType: 'FQDN', ports: [{ port: 8080 }] }),
  ];

  t.deepEqual(endpointsOf(unnamed, slices), [
    { port: 80, endpoints: [{ address: '10.0.0.1', port: 8080 }] },
  ]);
});

test('however many ports a Service has, who serves it fits into an entry of the log', (t) => {
  const names = Array.from({ length: 40 }, (_, at) => `port-${at}`);
  const many = readService({ spec: { ports: names.map((name, at) => ({ name, port: at + 1 })) } });
  const addresses = Array.from({ length: 1000 }, (_, at) => `fd00:1111:2222:3333:4444:5555::${at}`);
  const full = slice(
    addresses.map((address) => at(address)),
    { addressType: 'IPv6', ports: names.map((name) => ({ name, port: 8080 })) },
  );

  const ports = endpointsOf(many, [full]);

  t.true(ports.every(({ endpoints }) => endpoints.length === 125));
  t.true(Buffer.byteLength(JSON.stringify(ports)) < maxEntryBytes - 4096);
});

test('objects that are not what they should be have nothing', (t) => {
  t.deepEqual(readService({ spec: { ports: 'no', type: 'ExternalName' } }), {
    ports: [],
    external: true,
  });
  t.deepEqual(readEndpointSlice({ addressType: 'IPv4', ports: [7], endpoints: [null, {}] }), {
    ports: [],
    endpoints: [],
  });
});
