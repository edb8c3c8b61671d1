import type { OriginConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import { parseIp } from '../../protocols/ip-address.ts';
import { formatTarget, type Target } from '../../protocols/target.ts';
import type { PickEndpoint } from './pick-endpoint.ts';

/** Origins are values of a configuration: what they come to is made once for each. */
const targets = new WeakMap<OriginConfig, Target>();

/** Whom an origin stands for now, other than those in `except`; `null`: nobody serves that Service. */
export function targetOf(
  endpoints: PickEndpoint,
  origin: OriginConfig,
  except: readonly Target[] = [],
): Target | null {
  if (origin.service !== null) return endpoints.pick(origin.service, origin.port, except);
  const known = targets.get(origin);
  if (known !== undefined) return known;
  const { host, port } = origin;
  const target = { host, port, ip: parseIp(host) };
  targets.set(origin, target);
  return target;
}

export function nobodyServes(origin: OriginConfig): string {
  return `nobody serves ${formatOrigin(origin)} at the moment`;
}

/** `host:port`; of a Service, its name in the cluster's DNS. */
export function formatOrigin({ host, port }: OriginConfig): string {
  return formatTarget({ host, port, ip: null });
}
