import type { Found } from './found.ts';
import type { Reader } from './reader.ts';

/** Everything the given files hold that says something about routes. */
export type Gathered = {
  readonly apisixRoutes: Found[];
  readonly httpRoutes: Found[];
  readonly plainRoutes: PlainRoute[];
  /** What routes refer to: `Service/team-a/shop`, or `upstreams/1` of the Admin API. */
  readonly resources: Map<string, Found>;
  /** `timeout` of proxy-mirror in a config.yaml; `null`: none was given. */
  mirrorTimeout: Found | null;
};

/** A route of the Admin API, of apisix.yaml or of adc.yaml, where it stands within its service. */
export type PlainRoute = { readonly route: Found; readonly service: Found | null };

export function createGathered(): Gathered {
  return {
    apisixRoutes: [],
    httpRoutes: [],
    plainRoutes: [],
    resources: new Map(),
    mirrorTimeout: null,
  };
}

/** Of two with one key nobody can say which is meant. */
export function keep(read: Reader, { resources }: Gathered, key: string, object: Found): void {
  const before = resources.get(key);
  if (before === undefined) resources.set(key, object);
  else read.refuse(object, `${key} was given already, at ${before.place}`);
}
