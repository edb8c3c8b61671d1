/** A Service that a resource sends requests to. */
export type ServiceReference = {
  readonly namespace: string;
  readonly name: string;
  /** The namespace of the resource. Whether it may is asked for each of them. */
  readonly from: string;
};

/** What tells references apart: `team-b/shop`, and `team-b/shop for team-a`. */
export function serviceId({ namespace, name, from }: ServiceReference): string {
  return isLocal({ namespace, from }) ? `${namespace}/${name}` : `${namespace}/${name} for ${from}`;
}

/** Whether nobody has to permit it. */
export function isLocal({
  namespace,
  from,
}: Pick<ServiceReference, 'namespace' | 'from'>): boolean {
  return namespace === from;
}
