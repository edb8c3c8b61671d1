import { ApiObject, type ApiObjectProps } from 'cdk8s';
import type { Construct } from 'constructs';
import { type ClusterComponent, clusterLabels } from '../contracts/cluster-names.ts';
import type { Install } from './install.ts';

/** A part of an installation: adds its objects to the scope. */
export type Part = (scope: Construct, install: Install) => void;

/** Adds an object under its own name: cdk8s would make one up. */
export function addObject(scope: Construct, props: ApiObjectProps & Named): ApiObject {
  const { kind, metadata } = props;
  const id = [kind, metadata.namespace, metadata.name].filter((part) => part !== undefined);
  return new ApiObject(scope, id.join('-'), props);
}

type Named = { readonly metadata: { readonly name: string; readonly namespace?: string } };

/** What finds the pods of a component. */
export function selectorOf(component: ClusterComponent): Record<string, string> {
  return { [clusterLabels.name]: 'headgate', [clusterLabels.component]: component };
}

/** What the Pod Security Standard `restricted` asks of a pod, and a user that is nobody on the node. */
export const podSecurity = {
  runAsNonRoot: true,
  runAsUser: 65532,
  runAsGroup: 65532,
  fsGroup: 65532,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

/** Two of them on one node only where there is no other node. */
export function spreadOverNodes(matchLabels: Record<string, string>) {
  const podAffinityTerm = { labelSelector: { matchLabels }, topologyKey: 'kubernetes.io/hostname' };
  return {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }],
    },
  };
}
