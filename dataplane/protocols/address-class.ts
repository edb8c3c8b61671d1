import type { AddressClass } from '../../contracts/kinds/serving.ts';
import { type Cidr, type Ip, inAny, parseCidr } from './ip-address.ts';

/** What the IANA special-purpose registries and the clouds' documents say of address ranges. */
const ranges: Readonly<Record<Exclude<AddressClass, 'Self'>, readonly string[]>> = {
  Loopback: ['127.0.0.0/8', '::1/128'],
  Private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fec0::/10'],
  LinkLocal: ['169.254.0.0/16', 'fe80::/10'],
  Multicast: ['224.0.0.0/4', 'ff00::/8'],
  // 0.0.0.0/8 is "this network": Linux connects 0.0.0.0 to the loopback.
  Unspecified: ['0.0.0.0/8', '::/128'],
  CGNAT: ['100.64.0.0/10'],
  // They carry an IPv4 address inside, so a rule about that address would not see it.
  IPv4Embedding: [
    '64:ff9b::/96',
    '64:ff9b:1::/48',
    '2002::/16',
    '2001::/32',
    '::/96',
    '::ffff:0:0:0/96',
  ],
  Reserved: [
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '240.0.0.0/4',
    '100::/64',
    '100:0:0:1::/64',
    '2001:2::/48',
    '2001:10::/28',
    '2001:20::/28',
    '2001:db8::/32',
    '3fff::/20',
    '5f00::/16',
  ],
  Metadata: [
    '169.254.169.254/32',
    '169.254.170.2/32',
    '169.254.170.23/32',
    '100.100.100.200/32',
    '168.63.129.16/32',
    '192.0.0.192/32',
    'fd00:ec2::254/128',
    'fd00:ec2::23/128',
    'fd20:ce::254/128',
  ],
};

const compiled = Object.entries(ranges).map(
  ([name, texts]) =>
    [name, texts.map(parseCidr).filter((cidr): cidr is Cidr => cidr !== null)] as const,
);

/** Every class an address belongs to, `Self` apart: only the process knows its own addresses. */
export function classesOf(ip: Ip): readonly string[] {
  const found: string[] = [];
  for (const [name, cidrs] of compiled) {
    // ::1 and :: are in ::/96 by number, but have classes of their own.
    if (inAny(ip, cidrs) && !(name === 'IPv4Embedding' && found.length > 0)) found.push(name);
  }
  return found;
}
