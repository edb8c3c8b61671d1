import type { Subjects } from '../contracts/subjects.ts';
import type { Acknowledgements } from '../event-log/acknowledgements.ts';
import type { EventLog } from '../event-log/event-log.ts';
import { startAdmin } from '../runtime/admin.ts';
import { createMeter } from '../runtime/count.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { openAccessLog } from './access-log.ts';
import { createCertificateGauges } from './certificate-gauges.ts';
import { maxConnections } from './descriptor-limit.ts';
import { createAcknowledger, type InForce } from './desired-state/acknowledge.ts';
import { followDesiredState } from './desired-state/follow.ts';
import { watchHealth } from './health-watch.ts';
import { createReloader } from './reload/reloader.ts';
import { createPasswords } from './secrets/passwords.ts';
import { createSecretBox, type SealOpener } from './secrets/secret-box.ts';
import { createVersionGauges } from './version-gauges.ts';
import { startWorkerPool } from './workers/worker-pool.ts';

/** One pod: everything its pool wants, served by threads of this process. */
export type Dataplane = AsyncDisposable & {
  readonly adminAddress: { readonly host: string; readonly port: number };
  /** Not ready any more, but goes on accepting: whoever sends clients here is to hear of it first. */
  leave(): void;
  /** Not ready any more, stops accepting, lets what runs finish within each resource's drain time-out. */
  drain(): Promise<void>;
};

export type DataplaneSettings = {
  readonly log: Pick<EventLog, 'follow'>;
  readonly acknowledgements: Pick<Acknowledgements, 'send'>;
  readonly subjects: Subjects;
  readonly pool: string;
  readonly instance: string;
  readonly seal: SealOpener;
  readonly workers: number;
  readonly admin: { readonly host: string; readonly port: number };
  /** A path, or `-` for standard output. */
  readonly accessLog: string;
  /** `host:port`; empty: those of /etc/resolv.conf. */
  readonly dnsServers: readonly string[];
  readonly hostsFile: string;
  readonly logger: Log;
  readonly metrics: Metrics;
  /** The serving threads keep dying: the process should end. */
  onHopeless(error: Error): void;
};

/**
 * log ─▶ follow ─▶ desired state ─▶ reloader ─▶ serving threads
 *  ▲                                    │
 *  └────────── acknowledger ◀───────────┘
 *
 * Throws Node's error when the admin address is taken.
 */
export async function startDataplane(settings: DataplaneSettings): Promise<Dataplane> {
  const { log, acknowledgements, subjects, pool, instance, seal, workers, logger, metrics } =
    settings;
  await using cleanup = new AsyncDisposableStack();
  const stop = new AbortController();
  const meter = createMeter((message) => metrics.receive(0, message));
  const appliedSequence = meter.cell('headgate_applied_sequence', { pool });
  const versions = createVersionGauges(meter);
  const certificates = createCertificateGauges(meter);
  const restarts = meter.cell('headgate_worker_restarts_total', {});
  let inForce: Omit<InForce, 'draining' | 'health'> | null = null;
  let published = false;
  let leaving = false;
  let draining = false;

  const admin = cleanup.use(
    await startAdmin({
      ...settings.admin,
      metrics,
      isReady: () => published && inForce !== null && !leaving,
    }),
  );
  const accessLog = cleanup.use(
    openAccessLog(settings.accessLog, meter.cell('headgate_access_log_dropped_total', {})),
  );
  const passwords = createPasswords();
  const limit = maxConnections();
  logger.info('connections this process can hold', { connections: limit, from: 'RLIMIT_NOFILE' });

  const threads = cleanup.use(
    await startWorkerPool({
      workers,
      dnsServers: settings.dnsServers,
      hostsFile: settings.hostsFile,
      resolvConf: '/etc/resolv.conf',
      maxConnections: limit,
      metrics,
      logger,
      onAccessLog: (lines) => accessLog.write(lines),
      onCheckPassword: ({ id, type: _type, ...request }, done) => {
        passwords.check(request, (result) => done({ type: 'passwordChecked', id, result }));
      },
      onRestart: () => restarts.add(1),
      onHopeless: settings.onHopeless,
    }),
  );
  const acknowledger = cleanup.use(
    createAcknowledger(acknowledgements, { instance, pool, seal }, logger),
  );
  const tell = () => {
    if (inForce === null) return;
    acknowledger.report({ ...inForce, draining, health: health.look() });
  };
  const self = [{ address: admin.address.host, port: admin.address.port }];
  const reloader = cleanup.use(
    createReloader({
      workers,
      pool: threads,
      secrets: createSecretBox(seal, pool, passwords),
      self,
      logger,
      onApplied(applied) {
        inForce = applied;
        appliedSequence.set(applied.applied);
        versions.show(applied.table);
        certificates.show(reloader.served());
        tell();
      },
    }),
  );
  const health = cleanup.use(watchHealth(reloader.served, tell));
  const following = followDesiredState(
    { log, subjects, pool, logger },
    (state) => {
      published ||= state.published;
      // A pod that boots while the log is being rebuilt waits for all of it.
      if (published && !draining) reloader.want(state);
    },
    stop.signal,
  ).catch((error: unknown) => {
    logger.error('following the log failed', { error });
    settings.onHopeless(error instanceof Error ? error : new Error(String(error)));
  });
  cleanup.defer(async () => {
    stop.abort();
    await following;
  });

  const all = cleanup.move();
  return {
    adminAddress: admin.address,
    leave() {
      leaving = true;
    },
    async drain() {
      leaving = true;
      draining = true;
      tell();
      const drained = threads.drain();
      // As long as anybody holds a listening socket, clients connect to it and wait for nobody.
      await reloader[Symbol.asyncDispose]();
      await drained;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
