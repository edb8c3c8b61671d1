import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import { type ServiceReference, serviceId } from '../../contracts/service-reference.ts';
import type { DesiredState } from '../desired-state/desired-state.ts';
import type { ServedResource } from '../workers/messages.ts';

type Endpoints = Pick<ServedResource<Kind>, 'endpoints' | 'endpointsSequence'>;

/**
 * What is known of the Services a configuration names; of those nobody told of, nothing. All its
 * references are from one namespace, so `namespace/name` tells them apart.
 */
export function endpointsFor(
  { endpoints: known }: Pick<DesiredState, 'endpoints'>,
  services: readonly ServiceReference[],
): Endpoints {
  const found = services.flatMap((service) => known.get(serviceId(service)) ?? []);
  return {
    endpoints: Object.fromEntries(
      found.map(({ namespace, name, ports }) => [`${namespace}/${name}`, ports]),
    ),
    endpointsSequence: found.reduce((highest, { sequence }) => Math.max(highest, sequence), 0),
  };
}
