import type { Construct } from 'constructs';
import { clusterNames } from '../../contracts/cluster-names.ts';
import { allKinds } from '../../contracts/kinds/all-kinds.ts';
import type { Install } from '../install.ts';
import { addObject, type Part, selectorOf } from '../objects.ts';

const name = clusterNames.operator;
const labels = selectorOf('operator');
const group = 'headgate.dev';
const rbac = 'rbac.authorization.k8s.io';

const read = ['get', 'list', 'watch'];
/** Server-side apply creates with `create` and `patch`. */
const own = [...read, 'create', 'patch', 'delete'];

type Rule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
};

/** Who the operator is and all that it may do; and what users of the cluster's own roles may. */
export const addRbac: Part = (scope, install) => {
  const { namespace, secretNamespaces } = install;
  addObject(scope, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace, labels },
    automountServiceAccountToken: false,
  });
  grantEverywhere(scope, install, clusterRules(secretNamespaces === null));
  grantIn(scope, install, namespace, name, ownNamespaceRules);
  for (const readable of secretNamespaces ?? []) {
    grantIn(scope, install, readable, `${name}-secrets`, [secretsReadable]);
  }
  for (const [role, verbs] of Object.entries(userRoles)) addUserRole(scope, role, verbs);
};

const secretsReadable: Rule = { apiGroups: [''], resources: ['secrets'], verbs: read };

function clusterRules(readsAllSecrets: boolean): readonly Rule[] {
  const plurals = Object.values(allKinds).map(({ plural }) => plural);
  return [
    { apiGroups: [group], resources: plurals, verbs: read },
    {
      apiGroups: [group],
      resources: plurals.map((plural) => `${plural}/status`),
      verbs: ['patch'],
    },
    // A definition that is gone is not a list that is empty.
    {
      apiGroups: ['apiextensions.k8s.io'],
      resources: ['customresourcedefinitions'],
      resourceNames: plurals.map((plural) => `${plural}.${group}`),
      verbs: ['get'],
    },
    // Its uid names the cluster: nobody else's resources are removed from the log.
    {
      apiGroups: [''],
      resources: ['namespaces'],
      resourceNames: ['kube-system'],
      verbs: ['get'],
    },
    { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
    // Who serves the Services that routes lead to.
    { apiGroups: [''], resources: ['services'], verbs: ['list', 'watch'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    // Who may refer to Services of other namespaces. Their definition is not ours: it may come later.
    { apiGroups: ['gateway.networking.k8s.io'], resources: ['referencegrants'], verbs: read },
    {
      apiGroups: ['apiextensions.k8s.io'],
      resources: ['customresourcedefinitions'],
      resourceNames: ['referencegrants.gateway.networking.k8s.io'],
      verbs: ['list', 'watch'],
    },
    ...(readsAllSecrets ? [secretsReadable] : []),
  ];
}

/** In its own namespace it runs the pools, and keeps its keys. */
const ownNamespaceRules: readonly Rule[] = [
  { apiGroups: ['apps'], resources: ['deployments'], verbs: own },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: own },
  { apiGroups: [''], resources: ['services', 'serviceaccounts', 'secrets'], verbs: own },
  { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
  {
    apiGroups: [''],
    resources: ['configmaps'],
    resourceNames: [clusterNames.poolsConfigMap],
    verbs: read,
  },
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['create'],
  },
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    resourceNames: [clusterNames.lease],
    verbs: ['get', 'update'],
  },
];

function grantEverywhere(scope: Construct, { namespace }: Install, rules: readonly Rule[]): void {
  // Whoever tries a newer version in another namespace does not change what the first may do.
  const metadata = {
    name: namespace === clusterNames.namespace ? name : `${name}-${namespace}`,
    labels,
  };
  addObject(scope, { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata, rules });
  addObject(scope, {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata,
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: metadata.name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  });
}

function grantIn(
  scope: Construct,
  install: Install,
  namespace: string,
  role: string,
  rules: readonly Rule[],
): void {
  const metadata = { name: role, namespace, labels };
  addObject(scope, { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules });
  const binding = {
    apiVersion: `${rbac}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: rbac, kind: 'Role', name: role },
    subjects: [{ kind: 'ServiceAccount', name, namespace: install.namespace }],
  };
  addObject(scope, binding);
}

/** Whoever may view or edit a namespace may do the same with what is Headgate's there. */
const userRoles = {
  view: read,
  edit: ['create', 'update', 'patch', 'delete', 'deletecollection'],
};

function addUserRole(scope: Construct, role: string, verbs: readonly string[]): void {
  const resources = Object.values(allKinds).map(({ plural }) => plural);
  addObject(scope, {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: {
      name: `headgate-${role}`,
      // `admin` is made of `edit`, and `edit` of `view`.
      labels: { ...labels, [`${rbac}/aggregate-to-${role}`]: 'true' },
    },
    rules: [{ apiGroups: [group], resources, verbs }],
  });
}
