import { networkInterfaces } from 'node:os';
import test from 'ava';
import { parseIp } from '../protocols/ip-address.ts';
import { createSelfAddresses } from './self.ts';

/** Which of these `address port` pairs this process is, when it listens at `endpoints`. */
function selves(endpoints: readonly string[], asked: readonly string[]): readonly string[] {
  const self = createSelfAddresses();
  const split = (pair: string) => {
    const [address = '', port = ''] = pair.split(' ');
    return { address, port: Number(port) };
  };
  self.set(endpoints.map(split));
  return asked.filter((pair) => {
    const { address, port } = split(pair);
    const ip = parseIp(address);
    return ip !== null && self.has(ip, port);
  });
}

test('an endpoint is an address and a port, in any spelling of the address', (t) => {
  const asked = ['127.0.0.1 9127', '::ffff:127.0.0.1 9127', '127.0.0.1 9128', '127.0.0.2 9127'];

  t.deepEqual(selves(['127.0.0.1 9127'], asked), asked.slice(0, 2));
  t.deepEqual(selves(['0:0::1 9127'], ['::1 9127', '127.0.0.1 9127']), ['::1 9127']);
});

test('0.0.0.0 and :: lead to this machine too', (t) => {
  t.deepEqual(selves(['127.0.0.1 9127'], ['0.0.0.0 9127', ':: 9127', ':: 1']), [
    '0.0.0.0 9127',
    ':: 9127',
  ]);
});

for (const wildcard of ['::', '0.0.0.0']) {
  test(`a listener on ${wildcard} is every address of this machine`, (t) => {
    const local = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => `${address} 3128`);
    const loopback = [
      '127.0.0.1 3128',
      '127.255.0.7 3128',
      '::ffff:127.0.0.1 3128',
      '0.0.0.0 3128',
    ];
    const others = ['8.8.8.8 3128', '192.0.2.1 3128', '127.0.0.1 3129', '2001:db8::1 3128'];

    t.deepEqual(selves([`${wildcard} 3128`], [...local, ...loopback, ...others]), [
      ...local,
      ...loopback,
    ]);
  });
}

test('several listeners may share a port number', (t) => {
  const endpoints = ['127.0.0.1 80', '127.0.0.2 80'];

  t.deepEqual(selves(endpoints, [...endpoints, '127.0.0.3 80']), endpoints);
});

test('what listens no longer is not this process any more', (t) => {
  const self = createSelfAddresses();
  const ip = parseIp('127.0.0.1');
  if (ip === null) throw new Error('no address');
  self.set([{ address: '127.0.0.1', port: 80 }]);
  self.set([{ address: '127.0.0.1', port: 81 }]);
  self.refresh();

  t.deepEqual([self.has(ip, 80), self.has(ip, 81)], [false, true]);
});
