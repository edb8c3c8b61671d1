import { canonicalJson } from '../../contracts/json.ts';
import type { ConfigOf, Kind } from '../../contracts/kinds/all-kinds.ts';
import { type EndpointsObserved, logEventTypes } from '../../contracts/log-events.ts';
import { isLocal, type ServiceReference, serviceId } from '../../contracts/service-reference.ts';
import type { NewEntry } from '../../event-log/event-log.ts';
import { deciderOf } from '../kinds/all-kinds.ts';
import type { KnownService, Resolved } from '../kinds/decider.ts';
import type { ObservedService } from '../service-endpoints.ts';
import { envelope, type Writing } from './entries.ts';
import type { Held } from './held.ts';
import type { Source } from './source.ts';
import type { States } from './states.ts';
import { Untold } from './untold.ts';

/** A Service that a spec, or a version in force, refers to. */
export type FoundService = {
  readonly reference: ServiceReference;
  readonly observed: ObservedService;
};

/** Asks for each once. Throws {@link Untold}. */
export async function findServices(
  source: Source,
  kind: Kind,
  references: readonly ServiceReference[],
): Promise<readonly FoundService[]> {
  return Promise.all(
    references.map(async (reference) => {
      const { namespace, name } = reference;
      try {
        const refused = await refuse(source, kind, reference);
        return { reference, observed: refused ?? (await source.readService(namespace, name)) };
      } catch (cause) {
        throw new Untold(`Service ${namespace}/${name}`, { cause });
      }
    }),
  );
}

/** Whoever may not refer to a Service does not learn whether there is one. */
async function refuse(source: Source, kind: Kind, reference: ServiceReference) {
  return isLocal(reference) ? null : await source.refuseReference({ kind, ...reference });
}

/** What a decision has to know of each. */
export function lookUpIn(services: readonly FoundService[]): Resolved['serviceOf'] {
  return (wanted): KnownService => {
    const found = services.find(({ reference }) => serviceId(reference) === serviceId(wanted));
    if (found === undefined) {
      return { found: false, message: `nobody asked for Service ${wanted.name}` };
    }
    return known(found.observed);
  };
}

export function known(observed: ObservedService): KnownService {
  return observed.found ? { found: true, ports: observed.ports.map(({ port }) => port) } : observed;
}

/**
 * The events that bring what pools know of the Services of a version up to date: its own, and those
 * it is about to leave, which serve on until it has arrived.
 */
export function endpointEntries<K extends Kind>(
  { states, writing }: { readonly states: States; readonly writing: Writing },
  config: ConfigOf<K> | null,
  { key, leftBehind }: Held<K>,
  services: readonly FoundService[],
): readonly NewEntry[] {
  if (config === null) return [];
  const named = new Set(deciderOf(key.kind).servicesIn(config).map(serviceId));
  const left = leftBehind.map(({ subject }) => writing.subjects.poolOf(subject));
  return services.flatMap(({ reference, observed }) => {
    if (!named.has(serviceId(reference))) return [];
    if (!observed.found && observed.forbidden) return [];
    const { namespace, name } = reference;
    const ports = observed.found ? observed.ports : [];
    const data: EndpointsObserved = { ...reference, ports };
    const toldOf = left.filter((pool) => states.endpoints(pool, reference) !== null);
    return [...new Set([config.pool, ...toldOf])].flatMap((pool) => {
      const last = states.endpoints(pool, reference);
      if (last !== null && canonicalJson(last.ports) === canonicalJson(ports)) return [];
      const subject = writing.subjects.endpoints(pool, reference);
      const about = `Service/${namespace}/${name}`;
      const event = envelope(writing, logEventTypes.endpointsObserved, about, data);
      return [{ subject, event, lastOnly: true }];
    });
  });
}
