import type { Construct } from 'constructs';
import type { Install } from '../install.ts';
import { addObject, type Part } from '../objects.ts';
import { addCrds } from './crds.ts';
import { addMonitoring } from './monitoring.ts';
import { addNats } from './nats.ts';
import { addOperator } from './operator.ts';
import { addPools } from './pools.ts';
import { addRbac } from './rbac.ts';

/** In the order of one `kubectl apply`: what others need comes first. */
const parts: readonly Part[] = [
  addCrds,
  addRbac,
  addPools,
  addNats,
  addOperator,
  addWantedMonitoring,
];

/** Everything that belongs to an installation. */
export const addInstall: Part = (scope, install) => {
  if (install.createNamespace) addNamespace(scope, install);
  for (const add of parts) add(scope, install);
};

function addWantedMonitoring(scope: Construct, { monitoring }: Install): void {
  if (monitoring !== null) addMonitoring(scope, monitoring);
}

const addNamespace: Part = (scope, { namespace }) => {
  addObject(scope, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: namespace,
      labels: Object.fromEntries(
        ['enforce', 'warn', 'audit'].map((mode) => [
          `pod-security.kubernetes.io/${mode}`,
          'restricted',
        ]),
      ),
    },
  });
};
