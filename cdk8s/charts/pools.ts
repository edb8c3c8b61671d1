import { clusterNames } from '../../contracts/cluster-names.ts';
import { addObject, type Part, selectorOf } from '../objects.ts';
import { writePools } from '../pools-file.ts';

/** Which pools there are. What runs of them the operator makes, once somebody uses them. */
export const addPools: Part = (scope, { namespace, pools }) => {
  addObject(scope, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: clusterNames.poolsConfigMap, namespace, labels: selectorOf('operator') },
    data: { 'pools.yaml': writePools(pools) },
  });
};
