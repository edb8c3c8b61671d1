import type { Subjects } from '../contracts/subjects.ts';
import { NoLongerLeader } from '../event-log/event-log.ts';
import { openJetStreamEventLog } from '../event-log/jetstream-event-log.ts';
import { createNatsAccess } from '../event-log/nats-access.ts';
import { keepTrying } from '../runtime/keep-trying.ts';
import type { Log } from '../runtime/log.ts';
import type { Listener } from './control-loop/listener.ts';
import type { KubernetesApi } from './kubernetes/api.ts';
import { openCredentials } from './kubernetes/credentials/credentials.ts';
import { createEventRecorder, type EventRecorder } from './kubernetes/kubernetes-events.ts';
import type { KubernetesSource } from './kubernetes/kubernetes-source.ts';
import { createKubernetesPlacement } from './kubernetes/pools/placement.ts';
import { createPodRegistry } from './kubernetes/pools/pod-registry.ts';
import type { OperatorMetrics } from './metrics.ts';
import { startOperator } from './operator.ts';
import type { OperatorSettings } from './settings.ts';

export type TermContext = {
  readonly settings: OperatorSettings;
  readonly api: KubernetesApi;
  readonly source: KubernetesSource;
  readonly subjects: Subjects;
  readonly mayWrite: () => boolean;
  readonly metrics: OperatorMetrics;
  readonly log: Log;
  /** Called with the way to look at pools anew, and with `null` when there is none any more. */
  readonly onPlacement: (refresh: (() => void) | null) => void;
  /** NATS is reached: from now on it is decided and recorded. */
  readonly onLeading: () => void;
};

/**
 * Everything only the one operator does that leads, until `signal` aborts. Throws `NoLongerLeader`
 * when the log has another leader.
 */
export async function leadTerm(context: TermContext, signal: AbortSignal): Promise<void> {
  const { settings, api, source, subjects, mayWrite, metrics, log } = context;
  const { namespace, podName, adopt, image, natsUrl, logName } = settings;
  await using cleanup = new AsyncDisposableStack();
  const ended = new AbortController();
  cleanup.defer(() => ended.abort());
  const until = AbortSignal.any([signal, ended.signal]);

  let refreshPools = () => {};
  const credentials = await openCredentials({
    ...{ api, namespace, subjects, mayWrite, log, signal: until },
    isEmbedded: settings.isNatsEmbedded,
    onChange: () => refreshPools(),
  });
  cleanup.defer(() => metrics.notFollowing());
  const eventLog = await keepTrying('the log', () => openLog(context, credentials), {
    log,
    signal: until,
  });
  if (eventLog === null) return;
  cleanup.use(eventLog);

  const podRegistry = createPodRegistry({ api, namespace, log, signal: until });
  const placement = cleanup.use(
    createKubernetesPlacement({
      ...{ api, namespace, podRegistry, log, mayWrite },
      pods: { image, natsUrl, logName },
      timing: { keepUnusedMs: settings.keepUnusedPoolsSeconds * 1000 },
      settingsOf: (pool) => source.poolsConfig()?.get(pool) ?? null,
      secretOf: credentials.poolFiles,
      onWrite: metrics.objectWritten,
      problems: {
        onProblem: (where, problem) => log.error('a pool needs attention', { where, problem }),
        onProblemSolved: (where) => log.info('a problem is solved', { where }),
      },
    }),
  );
  refreshPools = placement.refresh;
  context.onPlacement(refreshPools);
  cleanup.defer(() => context.onPlacement(null));
  const events = cleanup.use(
    createEventRecorder({
      ...{ api, mayWrite, log, onOutcome: metrics.kubernetesEvent },
      pod: { namespace, name: podName },
      statusBefore: (key, uid) => source.statuses?.read(key, uid) ?? null,
    }),
  );
  const operator = cleanup.use(
    startOperator({
      ...{ source, eventLog, subjects, adopt, metrics, placement, log },
      acknowledgements: eventLog.acknowledgements,
      seal: credentials.seal,
      pools: [...(source.poolsConfig()?.keys() ?? [])],
      podExists: podRegistry.exists,
      knownSequence: source.highestKnownSequence(),
      listener: listen(events, log),
    }),
  );
  context.onLeading();
  try {
    await Promise.race([operator.ended, aborted(until)]);
  } catch (error) {
    if (error instanceof NoLongerLeader) await events.logContested(); // unless the lease is lost too
    throw error;
  }
}

function openLog(
  { settings, subjects, metrics }: TermContext,
  { natsMaterial }: Awaited<ReturnType<typeof openCredentials>>,
): ReturnType<typeof openJetStreamEventLog> {
  const { natsUrl, podName, logMaxBytes, natsReplicas } = settings;
  const access = createNatsAccess(natsMaterial, subjects, { is: 'operator' });
  return openJetStreamEventLog({
    connection: { servers: natsUrl, name: podName, ...access },
    subjects,
    maxBytes: logMaxBytes,
    replicas: natsReplicas,
  }).catch((error: unknown) => {
    metrics.disconnected();
    throw error;
  });
}

/** Problems of the source are said by the source, in whichever operator has them. */
function listen(events: EventRecorder, log: Log): Partial<Listener> {
  return {
    onStatus: events.report,
    onRemoved: events.removed,
    onPublished({ created, historyLost, resources }) {
      log.info('everything is published', { created, historyLost, resources });
      if (historyLost) events.historyLost(resources);
    },
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await promise;
}
