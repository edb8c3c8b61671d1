import test from 'ava';
import type { ForwardProxyConfig } from '../../contracts/kinds/forward-proxy/config.ts';
import { forwardProxyConfig } from '../../test/support/forward-proxy-config.ts';
import { mirrorRouteConfig } from '../../test/support/mirror-route-config.ts';
import { type Held, unknownTo } from './held.ts';
import { createPortTable } from './port-table.ts';

const listener = (port: number, address: string): ForwardProxyConfig['listeners'][number] => {
  const [first] = forwardProxyConfig().listeners;
  if (first === undefined) throw new Error('there is no listener to go by');
  return { ...first, port, address };
};

function serving(name: string, ...places: ReadonlyArray<readonly [number, string]>): Held {
  const config = {
    ...forwardProxyConfig(),
    listeners: places.map(([port, address]) => listener(port, address)),
  };
  const key = { kind: 'ForwardProxy', namespace: 'team-a', name } as const;
  const decided = { uid: name, generation: 1, specDigest: 's', inputs: 'i', cause: null };
  return { ...unknownTo(key), state: { status: 'serving', ...decided, config } };
}

test('only who gives up a port, or an address of it, lets others have another look', (t) => {
  const table = createPortTable();
  table.update(serving('one', [3128, '::'], [3129, '::']));
  table.update(serving('two', [3130, '::']));
  t.false(table.takeFreed());

  table.update(serving('one', [3128, '127.0.0.1'], [3129, '::']));
  t.true(table.takeFreed(), 'an address');
  t.false(table.takeFreed());

  table.update(serving('one', [3128, '127.0.0.1'], [3129, '::'], [3131, '::']));
  t.false(table.takeFreed(), 'one more');

  table.update(serving('one', [3128, '127.0.0.1']));
  t.true(table.takeFreed(), 'one less');
  t.deepEqual(table.incumbents('default', 3129), []);
  t.is(table.incumbents('default', 3130).length, 1);
});

test('a shared listener that becomes another one lets others have another look', (t) => {
  const table = createPortTable();
  const named = (name: string): Held => {
    const { listeners } = mirrorRouteConfig();
    const config = mirrorRouteConfig({ listeners: listeners.map((each) => ({ ...each, name })) });
    const key = { kind: 'MirrorRoute', namespace: 'team-a', name: 'one' } as const;
    const decided = { uid: 'one', generation: 1, specDigest: 's', inputs: 'i', cause: null };
    return { ...unknownTo(key), state: { status: 'serving', ...decided, config } };
  };
  table.update(named('main'));
  table.update(named('main'));
  t.false(table.takeFreed());

  table.update(named('web'));

  t.true(table.takeFreed());
});
