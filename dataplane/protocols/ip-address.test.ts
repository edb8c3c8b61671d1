import test from 'ava';
import {
  type Cidr,
  type Ip,
  inAny,
  inCidr,
  ipOfBytes,
  longestPrefix,
  parseCidr,
  parseIp,
} from './ip-address.ts';

const ip = (text: string): Ip => {
  const parsed = parseIp(text);
  if (parsed === null) throw new Error(`${text} is no address`);
  return parsed;
};

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (parsed === null) throw new Error(`${text} is no network`);
  return parsed;
};

const spellings: ReadonlyArray<readonly [string, string | null]> = [
  ['1.2.3.4', '1.2.3.4'],
  ['255.255.255.255', '255.255.255.255'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:DB8::0001', '2001:db8::1'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
  // Mapped: the same machine as the IPv4 address.
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::FFFF:a00:1', '10.0.0.1'],
  ['0:0:0:0:0:ffff:a00:1', '10.0.0.1'],
  // Compatible and translated: not the IPv4 address.
  ['::1.2.3.4', '::102:304'],
  ['::ffff:0:1.2.3.4', '::ffff:0:102:304'],
  // RFC 6943 §3.1.1: forms some programs read as an address, each in its own way.
  ['01.2.3.4', null],
  ['0x7f.0.0.1', null],
  ['127.1', null],
  ['2130706433', null],
  ['1.2.3.4.', null],
  ['256.1.1.1', null],
  ['::ffff:010.1.1.1', null],
  ['::ffff:0x7f.1', null],
  ['::ffff:256.1.1.1', null],
  ['::ffff:1.2.3.4.5', null],
  ['1:2:3:4:5:6:7:1.2.3.4', null],
  ['1::2::3', null],
  ['1:2:3:4:5:6:7:8:9', null],
  ['1:2:3:4:5:6:7', null],
  ['12345::', null],
  [':::', null],
  ['::g', null],
  ['fe80::1%eth0', null],
  ['[::1]', null],
  ['::1/128', null],
  ['1.2.3.4:80', null],
  [' ::1', null],
  ['::1 ', null],
  ['', null],
];

test('an address has one spelling, and nothing but an address is one', (t) => {
  for (const [text, expected] of spellings) t.is(parseIp(text)?.text ?? null, expected, text);
});

test('bytes become the address they stand for, zeros included', (t) => {
  const six = (...words: number[]) =>
    ipOfBytes(Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff])));

  t.is(ipOfBytes(Uint8Array.of(10, 0, 0, 1)).text, '10.0.0.1');
  t.is(ipOfBytes(Uint8Array.of(255, 255, 255, 255)).words[0], 0xff_ff_ff_ff);
  t.is(six(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).text, '2001:db8::1');
  t.is(six(0x0a01, 0x0002, 0, 0, 0, 0, 0, 0x00ff).text, 'a01:2::ff');
  t.is(six(0, 0, 0, 0, 0, 0, 0, 0).text, '::');
  t.is(six(0, 0, 0, 0, 0, 0xffff, 0x0a00, 1).text, '10.0.0.1');
});

const networks: ReadonlyArray<readonly [string, string, boolean]> = [
  ['10.0.0.0/8', '10.255.255.255', true],
  ['10.0.0.0/8', '11.0.0.0', false],
  ['10.0.0.0/8', '9.255.255.255', false],
  ['0.0.0.0/0', '255.255.255.255', true],
  ['0.0.0.0/0', '::1', false],
  ['::/0', '1.2.3.4', false],
  ['::/0', 'ffff::', true],
  ['128.0.0.0/1', '255.0.0.1', true],
  ['128.0.0.0/1', '127.255.255.255', false],
  ['1.2.3.4/31', '1.2.3.5', true],
  ['1.2.3.4/31', '1.2.3.6', false],
  ['1.2.3.4/32', '1.2.3.4', true],
  ['1.2.3.4', '1.2.3.4', true],
  ['1.2.3.4', '1.2.3.5', false],
  ['10.20.30.40/16', '10.20.0.1', true], // host bits do not count
  ['2001:db8::/32', '2001:db8:ffff::1', true],
  ['2001:db8::/32', '2001:db9::', false],
  ['2001:db8::/33', '2001:db8:7fff::', true],
  ['2001:db8::/33', '2001:db8:8000::', false],
  ['::1/128', '::1', true],
  ['::1/128', '::2', false],
  ['::1/127', '::', true],
  // Networks of mapped addresses are networks of IPv4 addresses, and both ways round.
  ['::ffff:10.0.0.0/104', '10.1.2.3', true],
  ['::ffff:10.0.0.0/104', '11.1.2.3', false],
  ['10.0.0.0/8', '::ffff:10.9.9.9', true],
  ['::ffff:0:0/96', '1.2.3.4', true],
  ['::ffff:0:0/96', '::1.2.3.4', false],
];

test('an address is in a network when its first bits are, whatever either looks like', (t) => {
  for (const [network, address, expected] of networks) {
    t.is(inCidr(ip(address), cidr(network)), expected, `${address} in ${network}`);
  }
});

test('what is not a network stands for no address rather than for all', (t) => {
  const bad = [
    '10.0.0.0/',
    '10.0.0.0/ 8',
    '10.0.0.0/+8',
    '10.0.0.0/8.0',
    '10.0.0.0/0x8',
    '10.0.0.0/1e1',
    '10.0.0.0/-0',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '::/129',
    '::ffff:10.0.0.0/8',
    'host/8',
    '/8',
    '',
  ];

  for (const text of bad) t.is(parseCidr(text), null, text);
});

test('the narrowest network that holds an address is found among all of its family', (t) => {
  const all = ['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '::/0', 'fd00::/8'].map(cidr);

  t.is(longestPrefix(ip('10.1.2.3'), all), 16);
  t.is(longestPrefix(ip('10.2.2.3'), all), 8);
  t.is(longestPrefix(ip('8.8.8.8'), all), 0);
  t.is(longestPrefix(ip('fd00::1'), all), 8);
  t.is(longestPrefix(ip('8.8.8.8'), all.slice(1, 3)), -1);
  t.true(inAny(ip('10.1.2.3'), all));
  t.false(inAny(ip('8.8.8.8'), []));
});
