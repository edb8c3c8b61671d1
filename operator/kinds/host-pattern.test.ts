import test from 'ava';
import { readHostPattern } from './host-pattern.ts';

const hosts: ReadonlyArray<readonly [written: string, read: string | RegExp]> = [
  ['API.Example.COM.', 'api.example.com'],
  ['*.Bücher.example', '*.xn--bcher-kva.example'],
  ['_dmarc.example', '_dmarc.example'],
  ['localhost', 'localhost'],
  ['*', /may only stand for all names below/],
  ['a.*.example', /may only stand for all names below/],
  ['*.*.example', /may only stand for all names below/],
  ['a..example', /is not a host name/],
  ['ex%61mple.com', /is not a host name/],
  ['user@example.com', /is not a host name/],
  ['example.com:443', /is not a host name/],
  [`${'a'.repeat(64)}.example`, /is not a host name/],
];

for (const [written, read] of hosts) {
  test(`a rule for host ${written.slice(0, 20)}`, (t) => {
    const found = readHostPattern(written);

    if (typeof read === 'string') t.deepEqual(found, { host: read });
    else t.regex('problem' in found ? found.problem : '', read);
  });
}

const addresses: ReadonlyArray<readonly [written: string, address: string]> = [
  ['10.0.0.1', '10.0.0.1'],
  ['0x7f.1', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['*.10.1', '10.0.0.1'],
  ['0:0::1', '::1'],
];

for (const [written, address] of addresses) {
  test(`an address instead of a host: ${written}`, (t) => {
    t.deepEqual(readHostPattern(written), { address });
  });
}
