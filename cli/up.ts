import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { type LogLevel, logLevels } from '../contracts/log-level.ts';
import { startDataplane } from '../dataplane/dataplane.ts';
import { createSeal } from '../event-log/seal.ts';
import { openDirectorySource } from '../operator/directory/directory-source.ts';
import { createOperatorMetrics } from '../operator/metrics.ts';
import { startOperator } from '../operator/operator.ts';
import { createValidator } from '../operator/schema/validator.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { createProcessLog } from '../runtime/own-process.ts';
import { CommandFailed } from './exit-codes.ts';
import { logFileIn } from './open-log.ts';
import {
  collect,
  collectHostPorts,
  dataOption,
  dnsLabel,
  type HostPort,
  type LogPlace,
  logNameOption,
  natsOption,
  parseHostPort,
  wholeNumber,
} from './options.ts';
import { waitForSignals } from './signals.ts';
import { openWritableLog, readOrMakeKeys, readOrMakeSourceId } from './up-data.ts';
import { createUpOutput } from './up-output.ts';
import { watchLogFile } from './watch-log-file.ts';

export type UpOptions = LogPlace & {
  readonly filename: readonly string[];
  readonly sealKey?: string;
  readonly admin: HostPort;
  readonly workers: number;
  readonly pool: string;
  readonly accessLog: string;
  readonly dnsServer: readonly string[];
  readonly hostsFile: string;
  readonly drainGrace: number;
  readonly adopt?: true;
  readonly logLevel: LogLevel;
};

export function upCommand(): Command {
  return new Command('up')
    .description('Serve the resources in a directory on this machine, and follow every edit.')
    .requiredOption('-f, --filename <dir>', 'directory or file; may be given again', collect)
    .addOption(dataOption())
    .addOption(natsOption())
    .addOption(logNameOption())
    .option('--seal-key <file>', 'key that seals Secrets in the log (default: <data>/seal.key)')
    .option('--adopt', 'take over resources that another source published in this log')
    .addOption(
      new Option('--admin <host:port>', 'address of /metrics, /healthz and /readyz')
        .default(parseHostPort('127.0.0.1:9127'), '127.0.0.1:9127')
        .argParser(parseHostPort),
    )
    .option('--workers <n>', 'serving threads', wholeNumber(1, 256), 1)
    .option('--pool <name>', 'serve the resources of this pool', dnsLabel, 'default')
    .option('--access-log <file>', 'where access-log lines go; - is standard output', '-')
    .addOption(
      new Option('--dns-server <host:port>', 'ask this name server; may be given again')
        .default([], 'those in /etc/resolv.conf')
        .argParser(collectHostPorts),
    )
    .option('--hosts-file <file>', 'names that need no name server', '/etc/hosts')
    .option(
      '--drain-grace <seconds>',
      'after SIGTERM, go on accepting for so long',
      wholeNumber(0, 3600),
      0,
    )
    .addOption(
      new Option('--log-level <level>', 'what to log on standard error, as JSON')
        .choices(logLevels)
        .default(process.stderr.isTTY ? 'warn' : 'info'),
    )
    .addHelpText(
      'after',
      `
Prints a line for each resource when it serves (Programmed) or is refused, then "ready", and goes on
until it is told to stop. SIGTERM lets what runs finish, within each resource's drain time-out; so
does SIGINT, without --drain-grace, and a second SIGINT ends at once.

Examples:
  $ headgate up -f crds/examples/quickstart
  $ headgate up -f proxies/ --admin 127.0.0.1:0 --workers 4
  $ headgate up -f proxies/ --nats nats://127.0.0.1:4222 --seal-key ./seal.key`,
    )
    .action(up);
}

async function up(options: UpOptions): Promise<void> {
  const { data, nats, pool, filename } = options;
  const metrics = createMetrics();
  const log = createProcessLog(options.logLevel, metrics);
  const signals = waitForSignals();
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => log.flush());
  cleanup.use(signals);

  await mkdir(data, { recursive: true, mode: 0o700 });
  const { eventLog, subjects, place } = await openWritableLog(options);
  cleanup.use(eventLog);
  const keyFile = options.sealKey ?? join(data, 'seal.key');
  const seal = createSeal(await readOrMakeKeys(keyFile, nats !== undefined, print));
  const source = cleanup.use(
    await openDirectorySource({
      directories: filename,
      validator: createValidator(),
      id: await readOrMakeSourceId(data),
      signal: signals.stopped,
    }),
  );
  const crashed = Promise.withResolvers<never>();
  crashed.promise.catch(() => undefined);
  const { acknowledgements } = eventLog;
  // Before the operator: a mistaken second `up` fails here, and not after it has taken the lead.
  const dataplane = cleanup.use(
    await startDataplane({
      log: eventLog,
      acknowledgements,
      subjects,
      pool,
      instance: hostname(),
      seal,
      workers: options.workers,
      admin: options.admin,
      accessLog: options.accessLog,
      dnsServers: options.dnsServer,
      hostsFile: options.hostsFile,
      logger: log.with({ part: 'dataplane' }),
      metrics,
      onHopeless: crashed.reject,
    }).catch(explainAdmin(options.admin)),
  );
  const operator = cleanup.use(
    startOperator({
      source,
      eventLog,
      acknowledgements,
      seal,
      subjects,
      pools: [pool],
      log: log.with({ part: 'operator' }),
      listener: createUpOutput({ print, directories: filename, logPlace: place }),
      adopt: options.adopt ?? false,
      metrics: createOperatorMetrics(metrics.meter()),
    }),
  );
  print(`admin http://${formatAddress(dataplane.adminAddress)}`);
  if (nats === undefined) {
    const file = logFileIn(data);
    const problem = `problem ${file}: the log was removed, so edits are served but not kept: start again to rebuild it from the files`;
    cleanup.use(watchLogFile(file, () => print(problem)));
  }

  const failure = await Promise.race([signals.first(), operator.ended, crashed.promise]).then(
    () => null,
    (error: unknown) => ({ error }),
  );
  dataplane.leave();
  if (failure === null) await signals.grace(options.drainGrace * 1000);
  log.info('draining', { because: failure === null ? 'it was asked to stop' : failure.error });
  await dataplane.drain();
  if (failure !== null) throw failure.error;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function formatAddress({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The one address of ours that only the command line can move. */
function explainAdmin(admin: HostPort) {
  return (error: NodeJS.ErrnoException): never => {
    if (error.code === 'EADDRINUSE') {
      const message = `the admin address ${formatAddress(admin)} is taken: choose another with --admin`;
      throw new CommandFailed('taken', message, { cause: error });
    }
    if (error.code === 'EADDRNOTAVAIL' || error.code === 'EACCES' || error.code === 'ENOTFOUND') {
      const message = `the admin address ${formatAddress(admin)} cannot be used: ${error.message}`;
      throw new CommandFailed('refused', message, { cause: error });
    }
    throw error;
  };
}
