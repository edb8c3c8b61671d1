import type { OriginConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import type { Endpoint, ServicePort } from '../../../contracts/log-events.ts';
import { parseIp } from '../../protocols/ip-address.ts';
import type { Target } from '../../protocols/target.ts';

/** Who serves Services, by `namespace/name`. */
export type KnownEndpoints = Readonly<Record<string, readonly ServicePort[]>>;

export type PickEndpoint = {
  /** Who gets the next request. `except`: those that were tried in vain. `null`: nobody is left. */
  pick(
    service: NonNullable<OriginConfig['service']>,
    port: number,
    except?: readonly Target[],
  ): Target | null;
};

/** In turn, so that all get their share of what one thread sends, from wherever `random` says. */
export function pickInTurn(known: KnownEndpoints, random: () => number): PickEndpoint {
  const circles = new Map<string, Circle>();

  function circleOf(service: NonNullable<OriginConfig['service']>, port: number): Circle {
    const id = `${service.namespace}/${service.name} ${port}`;
    const existing = circles.get(id);
    if (existing !== undefined) return existing;
    const targets = endpointsOf(known, service, port).flatMap(targetAt);
    const circle = { targets, next: Math.floor(random() * targets.length) };
    circles.set(id, circle);
    return circle;
  }

  return {
    pick(service, port, except = []) {
      const circle = circleOf(service, port);
      const { targets } = circle;
      for (let tried = 0; tried < targets.length; tried++) {
        const target = targets[circle.next];
        circle.next = (circle.next + 1) % targets.length;
        if (target !== undefined && !except.includes(target)) return target;
      }
      return null;
    },
  };
}

type Circle = { readonly targets: readonly Target[]; next: number };

/** Whether anybody serves that port of a Service. */
export function servesPort(
  known: KnownEndpoints,
  service: NonNullable<OriginConfig['service']>,
  port: number,
): boolean {
  return endpointsOf(known, service, port).some((endpoint) => targetAt(endpoint).length > 0);
}

function endpointsOf(
  known: KnownEndpoints,
  { namespace, name }: NonNullable<OriginConfig['service']>,
  port: number,
): readonly Endpoint[] {
  return known[`${namespace}/${name}`]?.find((each) => each.port === port)?.endpoints ?? [];
}

/** What is no address or no port is nobody: the log may hold anything. */
function targetAt({ address, port }: Endpoint): readonly Target[] {
  const ip = parseIp(address);
  const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535;
  return ip === null || !isPort ? [] : [{ host: ip.text, port, ip }];
}
