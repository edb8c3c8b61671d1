import test from 'ava';
import { planSockets, type SocketOwner, type Sockets, socketKey } from './plan.ts';

const socket = (address: string, port: number, uid = 'a', listener = 'main'): SocketOwner => ({
  address,
  port,
  uid,
  listener,
});

const sockets = (...owners: readonly SocketOwner[]): Sockets =>
  new Map(owners.map((owner) => [socketKey(owner), owner]));

test('nothing changes when what is wanted listens', (t) => {
  const running = sockets(socket('::', 3128));

  t.deepEqual(planSockets(running, sockets(socket('::', 3128))), {
    open: [],
    openAfterClose: [],
    close: [],
  });
});

test('resources that swap ports keep both sockets', (t) => {
  const running = sockets(socket('::', 1, 'a'), socket('::', 2, 'b'));
  const wanted = sockets(socket('::', 1, 'b'), socket('::', 2, 'a'));

  t.deepEqual(planSockets(running, wanted), { open: [], openAfterClose: [], close: [] });
});

test('a listener with another name keeps its socket', (t) => {
  const running = sockets(socket('::', 1, 'a', 'old'));

  t.deepEqual(planSockets(running, sockets(socket('::', 1, 'a', 'new'))), {
    open: [],
    openAfterClose: [],
    close: [],
  });
});

test('what is new opens first, what is gone closes', (t) => {
  const running = sockets(socket('::', 1), socket('::', 2));
  const added = socket('::', 3);

  t.deepEqual(planSockets(running, sockets(socket('::', 2), added)), {
    open: [added],
    openAfterClose: [],
    close: [':: 1'],
  });
});

const inTheWay: ReadonlyArray<readonly [string, string]> = [
  ['127.0.0.1', '::'],
  ['::', '127.0.0.1'],
  ['127.0.0.1', '0.0.0.0'],
  ['0.0.0.0', '::'],
  ['::', '::1'],
];

for (const [from, to] of inTheWay) {
  test(`moving a port from ${from} to ${to} closes the old socket before it opens the new one`, (t) => {
    const wanted = socket(to, 3128);

    t.deepEqual(planSockets(sockets(socket(from, 3128)), sockets(wanted)), {
      open: [],
      openAfterClose: [wanted],
      close: [`${from} 3128`],
    });
  });
}

test('an address that keeps out of the way of the old one opens at once', (t) => {
  const wanted = socket('127.0.0.2', 3128);

  t.deepEqual(planSockets(sockets(socket('127.0.0.1', 3128)), sockets(wanted)), {
    open: [wanted],
    openAfterClose: [],
    close: ['127.0.0.1 3128'],
  });
});

test('the wildcard at another port is in nobody’s way', (t) => {
  const wanted = socket('127.0.0.1', 3129);

  t.deepEqual(planSockets(sockets(socket('::', 3128)), sockets(wanted)).open, [wanted]);
});

test('all that runs closes when nothing is wanted any more', (t) => {
  const running = sockets(socket('::', 1), socket('::', 2));

  t.deepEqual(planSockets(running, new Map()).close, [':: 1', ':: 2']);
});
