import type { AddressFamily } from '../../contracts/kinds/serving.ts';
import type { NameResolver } from '../net/resolver.ts';
import {
  type AddressRefusal,
  type CompiledAddressPolicy,
  checkAddress,
  type IsSelf,
} from '../protocols/address-policy.ts';
import type { Ip } from '../protocols/ip-address.ts';
import { formatTarget, type Target } from '../protocols/target.ts';

export type AddressRules = {
  readonly policy: CompiledAddressPolicy;
  readonly dns: { readonly timeoutMs: number; readonly family: AddressFamily };
};

/** Checked addresses, to be dialled and no others; or why there are none. */
export type FoundAddresses = (refusal: AddressRefusal | null, addresses: readonly Ip[]) => void;

/** Resolves and checks. Calls back once: at once for addresses and known names. */
export function findAddresses(
  { resolver, isSelf }: { readonly resolver: NameResolver; readonly isSelf: IsSelf },
  target: Target,
  { policy, dns }: AddressRules,
  done: FoundAddresses,
): void {
  const check = (candidates: readonly Ip[]) => {
    const allowed: Ip[] = [];
    let refusal: AddressRefusal | null = null;
    for (const ip of candidates) {
      const problem = checkAddress(policy, ip, target.port, isSelf);
      if (problem === null) allowed.push(ip);
      else refusal ??= problem;
    }
    if (allowed.length > 0) return done(null, allowed);
    const message = `${formatTarget(target)} has no usable address`;
    done(refusal ?? { code: 'dns_error', message }, []);
  };
  if (target.ip !== null) return check([target.ip]);
  resolver.resolve(target.host, dns, (failure, addresses) => {
    if (failure === null) return check(addresses);
    const what = failure === 'dns_timeout' ? 'no answer from DNS' : 'no such name in DNS';
    done({ code: failure, message: `${what}: ${target.host}` }, []);
  });
}
