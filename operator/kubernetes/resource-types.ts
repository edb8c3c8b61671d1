/** A resource type of the API server: what its URLs are made of. */
export type ResourceType = {
  /** Empty: the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
};

/** Types of Kubernetes itself that Headgate reads or writes. */
export const resourceTypes = {
  namespaces: { group: '', version: 'v1', plural: 'namespaces' },
  secrets: { group: '', version: 'v1', plural: 'secrets' },
  configMaps: { group: '', version: 'v1', plural: 'configmaps' },
  services: { group: '', version: 'v1', plural: 'services' },
  endpointSlices: { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices' },
  /** Of Gateway API; which of its versions depends on the cluster. */
  referenceGrants: {
    group: 'gateway.networking.k8s.io',
    version: 'v1beta1',
    plural: 'referencegrants',
  },
  serviceAccounts: { group: '', version: 'v1', plural: 'serviceaccounts' },
  pods: { group: '', version: 'v1', plural: 'pods' },
  deployments: { group: 'apps', version: 'v1', plural: 'deployments' },
  podDisruptionBudgets: { group: 'policy', version: 'v1', plural: 'poddisruptionbudgets' },
  leases: { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' },
  events: { group: 'events.k8s.io', version: 'v1', plural: 'events' },
  customResourceDefinitions: {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
  },
} as const satisfies Record<string, ResourceType>;

type Place = {
  /** Without one: of the whole cluster. */
  readonly namespace?: string;
  /** Without one: the collection. */
  readonly name?: string;
  readonly subresource?: string;
};

/** `/apis/apps/v1/namespaces/headgate-system/deployments/pool-a` */
export function pathOf(
  { group, version, plural }: ResourceType,
  { namespace, name, subresource }: Place = {},
): string {
  const parts = group === '' ? ['api', version] : ['apis', group, version];
  if (namespace !== undefined) parts.push('namespaces', namespace);
  parts.push(plural);
  if (name !== undefined) parts.push(name);
  if (subresource !== undefined) parts.push(subresource);
  return `/${parts.map(encodeURIComponent).join('/')}`;
}
