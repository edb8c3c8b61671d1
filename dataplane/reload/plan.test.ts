import test from 'ava';
import {
  ownersOf,
  planSockets,
  type SocketClaim,
  type SocketOwner,
  type Sockets,
  socketKey,
} from './plan.ts';

const socket = (address: string, port: number, uid = 'a', listener = 'main'): SocketOwner => ({
  address,
  port,
  uid,
  listener,
  sharing: null,
  seniority: '',
  others: [],
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

/** Of a resource as old as its place in the alphabet says. */
const claim = (uid: string, sharing: string | null = 'main'): SocketClaim => {
  const { others: _, ...alone } = socket('::', 443, uid);
  return { ...alone, sharing, seniority: uid };
};
/** `owner others`, after what was running. */
const sharers = (claims: readonly SocketClaim[], running: Sockets = new Map()): string => {
  const [owner] = ownersOf(claims, running).values();
  return [owner?.uid, ...(owner?.others ?? [])].join(' ');
};

test('a socket that is shared is the oldest’s, whoever comes first', (t) => {
  t.is(sharers([claim('c'), claim('a'), claim('b')]), 'a b c');
  t.is(sharers([claim('c'), claim('a')], ownersOf([claim('b'), claim('c')], new Map())), 'a c');
});

test('of claims that exclude each other the one stays that was there', (t) => {
  t.is(sharers([claim('a', null), claim('b', null)]), 'a');
  const heldBy = (...claims: readonly SocketClaim[]) => ownersOf(claims, new Map());
  t.is(sharers([claim('a', null), claim('b', null)], heldBy(claim('b', null))), 'b');
  t.is(sharers([claim('a', 'other'), claim('b'), claim('c')], heldBy(claim('c'))), 'b c');
  const changed = [claim('a', 'other'), claim('b'), claim('c')];
  t.is(sharers(changed, heldBy(claim('a'), claim('b'), claim('c'))), 'b c');
  const renamed = [claim('z', 'z'), claim('b', 'other')];
  t.is(sharers(renamed, heldBy(claim('b'))), 'b');
});
