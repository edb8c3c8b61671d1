import { networkInterfaces } from 'node:os';
import { type Ip, parseIp } from '../protocols/ip-address.ts';
import type { SelfEndpoint } from './messages.ts';

/** Knows our own listeners and admin endpoint, so that nobody is proxied back into them. */
export type SelfAddresses = {
  set(endpoints: readonly SelfEndpoint[]): void;
  /** Addresses of this machine come and go. */
  refresh(): void;
  has(ip: Ip, port: number): boolean;
};

export function createSelfAddresses(): SelfAddresses {
  let byPort = new Map<number, string[]>();
  let local = localAddresses();
  return {
    set(endpoints) {
      byPort = new Map();
      for (const { address, port } of endpoints) {
        byPort.set(port, [...(byPort.get(port) ?? []), parseIp(address)?.text ?? address]);
      }
    },
    refresh() {
      local = localAddresses();
    },
    has(ip, port) {
      const addresses = byPort.get(port);
      if (addresses === undefined) return false;
      return addresses.some((address) =>
        address === '::' || address === '0.0.0.0'
          ? isLocal(ip, local)
          : address === ip.text || isUnspecified(ip),
      );
    },
  };
}

/** Linux answers on the whole of 127.0.0.0/8 and takes 0.0.0.0 and :: for the loopback. */
function isLocal(ip: Ip, local: ReadonlySet<string>): boolean {
  const [first] = ip.words;
  return (ip.family === 4 && first >>> 24 === 127) || isUnspecified(ip) || local.has(ip.text);
}

function isUnspecified({ words }: Ip): boolean {
  return words.every((word) => word === 0);
}

function localAddresses(): ReadonlySet<string> {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return new Set(found.map(({ address }) => parseIp(address)?.text ?? address));
}
