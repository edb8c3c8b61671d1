import test from 'ava';
import { describeConflict, findConflict, type PortClaim } from './ports.ts';

const claim = (holder: string, address: string, port: number, listener = 'all'): PortClaim => ({
  holder,
  listener,
  address,
  port,
});

const overlapping: ReadonlyArray<readonly [string, string]> = [
  ['127.0.0.1', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1'],
  ['127.0.0.1', '0.0.0.0'],
  ['::', '127.0.0.1'],
  ['::', '0.0.0.0'],
  ['::1', '::'],
  ['::1', '0:0:0:0:0:0:0:1'],
];

for (const [wanted, held] of overlapping) {
  test(`${wanted} cannot be had while another resource holds ${held} at the same port`, (t) => {
    const conflict = findConflict([claim('new', wanted, 3128)], [claim('old', held, 3128)]);

    t.is(conflict?.held.holder, 'old');
  });
}

const apart: ReadonlyArray<readonly [string, string]> = [
  ['127.0.0.1', '127.0.0.2'],
  ['0.0.0.0', '::1'],
  ['::1', '::2'],
];

for (const [wanted, held] of apart) {
  test(`${wanted} and ${held} can share a port number`, (t) => {
    t.is(findConflict([claim('new', wanted, 3128)], [claim('old', held, 3128)]), null);
  });
}

test('other ports and what one holds oneself are no conflict', (t) => {
  const held = [claim('me', '::', 3128), claim('old', '::', 3129)];

  t.is(findConflict([claim('me', '::', 3128)], held), null);
});

test('two listeners of one resource may not overlap either', (t) => {
  const conflict = findConflict(
    [claim('me', '::', 3128, 'a'), claim('me', '0.0.0.0', 3128, 'b')],
    [],
  );

  t.like(conflict, { wanted: { listener: 'b' }, held: { listener: 'a' } });
});

test('the message names the holder, its listener and the way out', (t) => {
  const conflict = findConflict(
    [claim('ForwardProxy/b/two', '127.0.0.1', 3128)],
    [claim('ForwardProxy/a/one', '::', 3128, 'main')],
  );

  t.is(
    conflict && describeConflict(conflict),
    'listener "all" wants 127.0.0.1:3128, but listener "main" of ForwardProxy/a/one has [::]:3128: choose another port, address or pool, or remove the other',
  );
});
