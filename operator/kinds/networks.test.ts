import test from 'ava';
import { normaliseCidr } from './networks.ts';

const networks: ReadonlyArray<readonly [written: string, compared: string | null]> = [
  ['10.20.30.40/16', '10.20.0.0/16'],
  ['10.0.0.1/32', '10.0.0.1/32'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['2001:DB8:0::1/33', '2001:db8::/33'],
  ['::ffff:10.1.2.3/104', '10.0.0.0/8'],
  ['::ffff:0:0/95', '::fffe:0:0/95'],
  ['10.0.0.0/33', null],
  ['10.0.0/8', null],
  ['010.0.0.0/8', null],
  ['0x0a.0.0.0/8', null],
  ['fe80::1%eth0/64', null],
  ['10.0.0.0', null],
];

for (const [written, compared] of networks) {
  test(`a network ${written}`, (t) => {
    t.is(normaliseCidr(written), compared);
  });
}
