import test from 'ava';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import { findExchange } from './exchange-ports.ts';
import type { PortClaim } from './ports.ts';

const key = (name: string): ResourceKey => ({ kind: 'ForwardProxy', namespace: 'n', name });

const claim = (name: string, port: number, sharing: PortClaim['sharing'] = null): PortClaim => ({
  holder: formatKey(key(name)),
  listener: 'all',
  address: '::',
  port,
  sharing,
});

/** Who is found to move together with `a`, given who holds what and who wants what. */
async function movingWithA(
  held: Readonly<Record<string, number>>,
  wanted: Readonly<Record<string, number>>,
): Promise<readonly string[] | null> {
  const group = await findExchange(
    key('a'),
    async ({ name }) => {
      const port = wanted[name];
      return port === undefined ? null : { pool: 'default', claims: [claim(name, port)] };
    },
    () => Object.entries(held).map(([name, port]) => claim(name, port)),
  );
  return group && Array.from(group.keys(), ({ name }) => name);
}

test('two that want each other’s port move together', async (t) => {
  t.deepEqual(await movingWithA({ a: 1, b: 2 }, { a: 2, b: 1 }), ['a', 'b']);
});

test('three in a ring move together', async (t) => {
  t.deepEqual(await movingWithA({ a: 1, b: 2, c: 3 }, { a: 2, b: 3, c: 1 }), ['a', 'b', 'c']);
});

test('a chain that ends at a free port moves together', async (t) => {
  t.deepEqual(await movingWithA({ a: 1, b: 2 }, { a: 2, b: 9 }), ['a', 'b']);
});

test('who stays keeps its port, also at the end of a chain', async (t) => {
  t.is(await movingWithA({ a: 1, b: 2 }, { a: 2, b: 2 }), null);
  t.is(await movingWithA({ a: 1, b: 2, c: 3 }, { a: 2, b: 3, c: 3 }), null);
});

test('nobody is moved whose newest version cannot be had', async (t) => {
  t.is(await movingWithA({ a: 1, b: 2 }, { a: 2 }), null);
});

test('two that share a listener change it together', async (t) => {
  const change = (name: string) => (name === 'later' ? 'HTTP' : 'HTTPS');
  const sharedBy = (names: readonly string[], protocol: string) =>
    names.map((name) => claim(name, 1, { protocol }));
  const held = sharedBy(['a', 'b', 'later'], 'HTTP');
  const moving = async (names: readonly string[]) => {
    const group = await findExchange(
      key('a'),
      async ({ name }) => ({
        pool: 'default',
        claims: sharedBy([name], change(name)),
      }),
      () => held.filter(({ holder }) => names.some((name) => holder === formatKey(key(name)))),
    );
    return group && Array.from(group.keys(), ({ name }) => name);
  };

  t.deepEqual(await moving(['a', 'b']), ['a', 'b']);
  t.is(await moving(['a', 'b', 'later']), null);
});
