import test from 'ava';
import { describeConflict, findConflict, type PortClaim } from './ports.ts';

const claim = (holder: string, address: string, port: number, listener = 'all'): PortClaim => ({
  holder,
  listener,
  address,
  port,
  sharing: null,
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
    const conflict = findConflict([claim('new', wanted, 3128)], () => [claim('old', held, 3128)]);

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
    t.is(
      findConflict([claim('new', wanted, 3128)], () => [claim('old', held, 3128)]),
      null,
    );
  });
}

test('other ports and what one holds oneself are no conflict', (t) => {
  const held = [claim('me', '::', 3128), claim('old', '::', 3129)];

  t.is(
    findConflict([claim('me', '::', 3128)], () => held),
    null,
  );
});

test('two listeners of one resource may not overlap either', (t) => {
  const conflict = findConflict(
    [claim('me', '::', 3128, 'a'), claim('me', '0.0.0.0', 3128, 'b')],
    () => [],
  );

  t.like(conflict, { wanted: { listener: 'b' }, held: { listener: 'a' } });
});

const http = { name: 'main', protocol: 'HTTP' };
const https = { name: 'main', protocol: 'HTTPS', 'tls.minVersion': 'TLSv1.2' };
const shared = (holder: string, address: string, sharing: PortClaim['sharing']): PortClaim => ({
  ...claim(holder, address, 443, sharing?.['name']),
  sharing,
});

test('listeners that are the same in everything are shared, by any number', (t) => {
  const held = ['one', 'two', 'three'].map((holder) => shared(holder, '::', http));

  t.is(
    findConflict([shared('new', '::', { ...http })], () => held),
    null,
  );
});

const different: ReadonlyArray<readonly [string, PortClaim, string | null]> = [
  ['nothing to share by', shared('new', '::', null), null],
  ['another address', shared('new', '127.0.0.1', https), 'address (127.0.0.1 here, :: there)'],
  [
    'another name and protocol',
    shared('new', '::', { name: 'web', protocol: 'HTTP' }),
    'name (web here, main there) and protocol (HTTP here, HTTPS there) and tls.minVersion (none here, TLSv1.2 there)',
  ],
  [
    'another minVersion',
    shared('new', '::', { ...https, 'tls.minVersion': 'TLSv1.3' }),
    'tls.minVersion (TLSv1.3 here, TLSv1.2 there)',
  ],
];

for (const [what, wanted, equal] of different) {
  test(`a listener with ${what} is not shared, and the message says what would have to be equal`, (t) => {
    const conflict = findConflict([wanted], () => [shared('old', '::', https)]);

    const message = conflict && describeConflict(conflict);
    t.regex(message ?? '', /but listener "main" of old has \[::\]:443: .*choose another port/);
    t.is(/give both listeners the same (.*);/.exec(message ?? '')?.[1] ?? null, equal);
  });
}

test('the message names the holder, its listener and the way out', (t) => {
  const conflict = findConflict([claim('ForwardProxy/b/two', '127.0.0.1', 3128)], () => [
    claim('ForwardProxy/a/one', '::', 3128, 'main'),
  ]);

  t.is(
    conflict && describeConflict(conflict),
    'listener "all" wants 127.0.0.1:3128, but listener "main" of ForwardProxy/a/one has [::]:3128: choose another port, address or pool, or remove the other',
  );
});
