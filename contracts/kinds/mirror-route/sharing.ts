import type { MirrorRouteConfig, MirrorRouteListener } from './config.ts';

/** What listeners on one address and port must have in common to be one that several resources share: field → value. */
export type Sharing = Readonly<Record<string, string>>;

/** Certificates and allowed clients may differ: each route has its own. */
export function sharingOf({ name, protocol, tls }: MirrorRouteListener): Sharing {
  return { name, protocol, ...(tls === null ? {} : { 'tls.minVersion': tls.minVersion }) };
}

/** Orders routes that share a listener, the oldest first, as HTTPRoutes are: by age, then by name. */
export function seniorityOf(
  { created }: Pick<MirrorRouteConfig, 'created'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string {
  return `${created} ${namespace}/${name}`;
}
