import type { KubeApi } from './kube-api.ts';

export const grantsName = 'referencegrants.gateway.networking.k8s.io';
export type GrantVersion = 'v1' | 'v1beta1';

const listOf = (...fields: readonly string[]) => ({
  type: 'array',
  items: {
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field, { type: 'string' }])),
  },
});

/** Gateway API's definition, as far as it matters here, until the API server serves it. */
export async function installReferenceGrants(
  { apply, kubectl }: Pick<KubeApi, 'apply' | 'kubectl'>,
  ...served: readonly GrantVersion[]
): Promise<void> {
  const spec = {
    type: 'object',
    properties: {
      from: listOf('group', 'kind', 'namespace'),
      to: listOf('group', 'kind', 'name'),
    },
  };
  const versions = (['v1', 'v1beta1'] as const).map((version) => ({
    name: version,
    served: served.includes(version),
    storage: version === 'v1',
    schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
  }));
  const names = { kind: 'ReferenceGrant', plural: 'referencegrants', singular: 'referencegrant' };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: grantsName,
      annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs' },
    },
    spec: { group: 'gateway.networking.k8s.io', scope: 'Namespaced', names, versions },
  };
  await apply(JSON.stringify(definition));
  await kubectl('wait', '--for=condition=Established', 'crd', grantsName);
}

type Granted = {
  /** The namespace of the routes. */
  readonly from: string;
  /** That of the Services. */
  readonly namespace: string;
  readonly to?: object;
  readonly version?: GrantVersion | undefined;
};

/** A document of a ReferenceGrant `routes`: MirrorRoutes may refer to Services of the namespace. */
export function referenceGrant({ from, namespace, to = {}, version = 'v1' }: Granted): string {
  const document = {
    apiVersion: `gateway.networking.k8s.io/${version}`,
    kind: 'ReferenceGrant',
    metadata: { name: 'routes', namespace },
    spec: {
      from: [{ group: 'headgate.dev', kind: 'MirrorRoute', namespace: from }],
      to: [{ group: '', kind: 'Service', ...to }],
    },
  };
  return `---\n${JSON.stringify(document)}\n`;
}
