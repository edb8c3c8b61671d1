import test from 'ava';
import { addressClasses } from '../../contracts/kinds/serving.ts';
import { classesOf } from './address-class.ts';
import { parseIp } from './ip-address.ts';

const examples: Readonly<Record<string, readonly string[]>> = {
  '127.0.0.1': ['Loopback'],
  '127.255.255.254': ['Loopback'],
  '::1': ['Loopback'],
  '::ffff:127.0.0.1': ['Loopback'],
  '10.0.0.1': ['Private'],
  '172.16.0.0': ['Private'],
  '172.31.255.255': ['Private'],
  '192.168.1.1': ['Private'],
  'fc00::1': ['Private'],
  'fdff::1': ['Private'],
  'fec0::1': ['Private'],
  '169.254.1.1': ['LinkLocal'],
  'fe80::1': ['LinkLocal'],
  'febf::1': ['LinkLocal'],
  '224.0.0.1': ['Multicast'],
  'ff02::1': ['Multicast'],
  '0.0.0.0': ['Unspecified'],
  '0.1.2.3': ['Unspecified'],
  '::': ['Unspecified'],
  '100.64.0.1': ['CGNAT'],
  '100.127.255.255': ['CGNAT'],
  '::2': ['IPv4Embedding'],
  '::127.0.0.1': ['IPv4Embedding'],
  '::ffff:0:127.0.0.1': ['IPv4Embedding'],
  '64:ff9b::7f00:1': ['IPv4Embedding'],
  '64:ff9b:1::7f00:1': ['IPv4Embedding'],
  '2002:7f00:1::': ['IPv4Embedding'],
  '2001:0:1::': ['IPv4Embedding'],
  '192.0.0.1': ['Reserved'],
  '192.0.2.1': ['Reserved'],
  '198.18.0.1': ['Reserved'],
  '198.19.255.255': ['Reserved'],
  '203.0.113.7': ['Reserved'],
  '240.0.0.1': ['Reserved'],
  '255.255.255.255': ['Reserved'],
  '100::1': ['Reserved'],
  '100:0:0:1::1': ['Reserved'],
  '2001:db8::1': ['Reserved'],
  '3fff::1': ['Reserved'],
  '169.254.169.254': ['LinkLocal', 'Metadata'],
  '100.100.100.200': ['CGNAT', 'Metadata'],
  '168.63.129.16': ['Metadata'],
  '192.0.0.192': ['Reserved', 'Metadata'],
  'fd00:ec2::254': ['Private', 'Metadata'],
};

test('an address belongs to every class whose ranges hold it', (t) => {
  for (const [text, classes] of Object.entries(examples)) {
    const ip = parseIp(text);
    t.deepEqual(ip === null ? null : classesOf(ip), classes, text);
  }
});

test('addresses of the internet, up to the edges of the ranges, belong to no class', (t) => {
  const open = ['1.0.0.0', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255'];
  open.push('100.128.0.0', '126.255.255.255', '128.0.0.0', '169.253.255.255', '169.255.0.0');
  open.push('172.15.255.255', '172.32.0.0', '191.255.255.255', '192.0.1.0', '192.167.255.255');
  open.push('192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255');
  open.push('64:ff9b:2::', '2001:4860::8888', '2003::', '2606:4700::1111', '::1:0:0', 'fbff::');

  for (const text of open) {
    const ip = parseIp(text);
    t.deepEqual(ip === null ? null : classesOf(ip), [], text);
  }
});

test('every class a user may name has addresses, but for Self, which only a process knows', (t) => {
  const used = new Set(Object.values(examples).flat());

  t.deepEqual(
    addressClasses.filter((name) => !used.has(name)),
    ['Self'],
  );
});
