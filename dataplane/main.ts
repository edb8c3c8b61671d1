import { setTimeout } from 'node:timers/promises';
import { createSubjects } from '../contracts/subjects.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { createProcessLog, endByBug, runProcess } from '../runtime/own-process.ts';
import { startDataplane } from './dataplane.ts';
import { openLateLog } from './late-log.ts';
import { type PodSettings, readSettings } from './settings.ts';

async function serve(settings: PodSettings): Promise<void> {
  const { pool, instance, workers, admin, accessLog, logLevel, drainGraceMs } = settings;
  const metrics = createMetrics({ roles: ['pod'] });
  const logger = createProcessLog(logLevel, metrics);
  endByBug(logger);
  process.stdout.on('error', () => undefined); // whoever read our output has gone
  const asked = Promise.withResolvers<null>();
  const crashed = Promise.withResolvers<Error>();
  const hurry = new AbortController();

  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => logger.flush());
  const subjects = createSubjects(settings.logName);
  const lateLog = cleanup.use(openLateLog({ ...settings, subjects, logger }));
  process
    .on('SIGTERM', () => asked.resolve(null))
    .on('SIGINT', () => {
      hurry.abort();
      asked.resolve(null);
    })
    .on('SIGHUP', () => lateLog.reread());
  const dataplane = cleanup.use(
    await startDataplane({
      ...lateLog,
      ...{ subjects, pool, instance, workers, admin, accessLog, logger, metrics },
      dnsServers: [],
      hostsFile: '/etc/hosts',
      onHopeless: crashed.resolve,
    }),
  );
  logger.info('started', { pool, instance, workers, admin: dataplane.adminAddress });

  const failure = await Promise.race([asked.promise, crashed.promise]);
  if (failure !== null) process.exitCode = 1;
  logger.info('leaving', { because: failure ?? 'it was asked to stop', graceMs: drainGraceMs });
  dataplane.leave();
  if (failure === null) {
    await setTimeout(drainGraceMs, null, { signal: hurry.signal }).catch(() => null);
  }
  logger.info('draining');
  await dataplane.drain();
}

await runProcess(() => serve(readSettings(process.env)));
