import { startAdmin } from '../runtime/admin.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { createProcessLog, endByBug, runProcess } from '../runtime/own-process.ts';
import { runClusterOperator } from './cluster-operator.ts';
import { openKubernetesApi } from './kubernetes/api-client.ts';
import {
  accessByKubeconfig,
  accessInCluster,
  serviceAccountDirectory as directory,
} from './kubernetes/cluster-access.ts';
import { createOperatorMetrics } from './metrics.ts';
import { type OperatorSettings, readSettings } from './settings.ts';

async function operate(settings: OperatorSettings): Promise<void> {
  const { inCluster, admin, namespace, identity, logLevel } = settings;
  const metrics = createMetrics({ roles: ['operator'] });
  const operatorMetrics = createOperatorMetrics(metrics.meter());
  const log = createProcessLog(logLevel, metrics);
  endByBug(log);
  const stop = new AbortController();
  process.on('SIGTERM', () => stop.abort()).on('SIGINT', () => stop.abort());

  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => log.flush());
  const access =
    inCluster === null
      ? await accessByKubeconfig(null)
      : await accessInCluster({ ...inCluster, directory });
  const api = cleanup.use(openKubernetesApi({ access, onRequest: operatorMetrics.requested }));
  const { signal } = stop;
  const operator = runClusterOperator({ settings, api, metrics: operatorMetrics, log, signal });
  const isReady = () => operator.state !== 'starting' && !signal.aborted;
  const { address } = cleanup.use(await startAdmin({ ...admin, metrics, isReady }));
  log.info('started', { namespace, identity, admin: address, server: api.server });

  try {
    await operator.ended;
  } catch (error) {
    log.error('cannot go on', { error });
    process.exitCode = 1;
  }
  log.info('stopped');
}

await runProcess(() => operate(readSettings(process.env)));
