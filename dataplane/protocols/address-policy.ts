import type { ErrorCode } from '../../contracts/errors.ts';
import type { AddressPolicy } from '../../contracts/kinds/serving.ts';
import { classesOf } from './address-class.ts';
import { type Cidr, type Ip, longestPrefix, parseCidr } from './ip-address.ts';

/** Which addresses may be dialled, compiled once. Immutable. */
export type CompiledAddressPolicy = {
  readonly denied: ReadonlySet<string>;
  readonly allowCidrs: readonly Cidr[];
  readonly denyCidrs: readonly Cidr[];
  /** Where it stands in the spec, for messages: `spec.egress.addressPolicy`. */
  readonly field: string;
};

/** Whether an address and port are a listener or the admin endpoint of this very process. */
export type IsSelf = (ip: Ip, port: number) => boolean;

export type AddressRefusal = { readonly code: ErrorCode; readonly message: string };

export function compileAddressPolicy(
  { deny, allowCIDRs, denyCIDRs }: AddressPolicy,
  field: string,
): CompiledAddressPolicy {
  return {
    denied: new Set(deny),
    allowCidrs: compileCidrs(allowCIDRs),
    denyCidrs: compileCidrs(denyCIDRs),
    field,
  };
}

/** They were checked when the configuration was; one that does not parse matches nothing. */
export function compileCidrs(texts: readonly string[]): readonly Cidr[] {
  return texts.map(parseCidr).filter((cidr): cidr is Cidr => cidr !== null);
}

/**
 * Why an address may not be dialled, `null`: it may. Of `allowCIDRs` and `denyCIDRs` the longer
 * prefix decides, at equal length the refusal; what neither names goes by its classes. Nothing opens
 * the way to ourselves.
 */
export function checkAddress(
  { denied, allowCidrs, denyCidrs, field }: CompiledAddressPolicy,
  ip: Ip,
  port: number,
  isSelf: IsSelf,
): AddressRefusal | null {
  if (denied.has('Self') && isSelf(ip, port)) {
    const message = `${ip.text} port ${port} is this proxy itself`;
    return { code: 'proxy_loop_detected', message };
  }
  const allow = longestPrefix(ip, allowCidrs);
  const deny = longestPrefix(ip, denyCidrs);
  if (deny >= 0 && deny >= allow) {
    return prohibited(`address ${ip.text} is in ${field}.denyCIDRs`);
  }
  if (allow >= 0) return null;
  for (const name of classesOf(ip)) {
    if (denied.has(name)) {
      return prohibited(
        `address ${ip.text} is ${name}: allow it in ${field}.allowCIDRs, or take ${name} out of .deny`,
      );
    }
  }
  return null;
}

function prohibited(message: string): AddressRefusal {
  return { code: 'destination_ip_prohibited', message };
}
