import {
  type ObservedService,
  observedService,
  readEndpointSlice,
  readService,
  type ServiceFacts,
  type SliceFacts,
} from '../service-endpoints.ts';
import { createReflector, type Reflector } from './reflector.ts';
import { pathOf, resourceTypes } from './resource-types.ts';
import { type ReferredOptions, type WatchedByName, watchByName } from './watch-by-name.ts';

/** Services by name, each with its EndpointSlices. */
export function watchServices({
  signal,
  onChange,
  log,
  ...options
}: ReferredOptions): WatchedByName<ObservedService> {
  const { api, timing = {}, onRestart = () => undefined, ...idle } = options;
  return watchByName<ObservedService>({
    ...{ signal, onChange, ...idle },
    watch(namespace, name, told) {
      const common = {
        ...{ api, timing, onRestart, signal: told.signal, onChange: told.onChange },
        log: log.with({ service: `${namespace}/${name}` }),
      };
      const service = createReflector<ServiceFacts>({
        ...common,
        path: pathOf(resourceTypes.services, { namespace }),
        fieldSelector: `metadata.name=${name}`,
        keep: readService,
        onState: () => told.onState(0),
      });
      const slices = createReflector<SliceFacts>({
        ...common,
        path: pathOf(resourceTypes.endpointSlices, { namespace }),
        labelSelector: `kubernetes.io/service-name=${name}`,
        keep: readEndpointSlice,
        onState: () => told.onState(1),
      });
      return {
        reflectors: [service, slices],
        observe: () => observedIn(service, slices, { namespace, name }),
      };
    },
  });
}

function observedIn(
  service: Reflector<ServiceFacts>,
  slices: Reflector<SliceFacts>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): ObservedService {
  const problem = service.problem ?? slices.problem;
  if (problem?.status === 403) {
    return {
      found: false,
      forbidden: true,
      message: `Headgate may not read Service ${namespace}/${name}: its ServiceAccount needs list and watch of services and endpointslices in namespace ${namespace}`,
    };
  }
  const found = service.get(namespace, name)?.value ?? null;
  // What was known stays true while nobody can be asked.
  if (problem !== null && (found === null || [...slices.entries()].length === 0)) throw problem;
  if (found === null) return { found: false, message: `there is no Service ${namespace}/${name}` };
  const facts = Array.from(slices.entries(), ({ value }) => value);
  return observedService(`${namespace}/${name}`, found, facts);
}
