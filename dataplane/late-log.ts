import { join } from 'node:path';
import { secretKeys } from '../contracts/cluster-names.ts';
import type { Subjects } from '../contracts/subjects.ts';
import type { Acknowledgements } from '../event-log/acknowledgements.ts';
import { type EventLog, LogUnavailable } from '../event-log/event-log.ts';
import { openJetStreamEventLog } from '../event-log/jetstream-event-log.ts';
import { createNatsAccess, readNatsMaterial } from '../event-log/nats-access.ts';
import { SealBroken } from '../event-log/seal.ts';
import { openSealingKeyFile, type SealingKeyFile } from '../event-log/sealing-key-file.ts';
import { keepTrying } from '../runtime/keep-trying.ts';
import type { Log } from '../runtime/log.ts';
import type { SealOpener } from './secrets/secret-box.ts';
import type { PodSettings } from './settings.ts';

/** The log of a cluster and the keys to what is sealed in it, for a pod that is up before them. */
export type LateLog = AsyncDisposable & {
  readonly log: Pick<EventLog, 'follow'>;
  readonly acknowledgements: Pick<Acknowledgements, 'send'>;
  readonly seal: SealOpener;
  /** Looks at the file of sealing keys now. */
  reread(): void;
};

type Opened = EventLog & { readonly acknowledgements: Acknowledgements };
type Needed = Pick<PodSettings, 'pool' | 'instance' | 'natsUrl' | 'credentials'> & {
  readonly subjects: Subjects;
  readonly logger: Log;
};

/** Tries until NATS and the files are there; whoever follows waits for that. */
export function openLateLog(needed: Needed): LateLog {
  const { logger } = needed;
  const stop = new AbortController();
  const told = { log: logger, signal: stop.signal };
  let keyFile: SealingKeyFile | null = null;
  let opened: Opened | null = null;

  async function open(): Promise<void> {
    keyFile = await keepTrying('the sealing keys', () => openKeys(needed), told);
    opened = await keepTrying('the log', () => openLog(needed), told);
    if (opened !== null)
      logger.info('connected to the log', { keyIds: keyFile?.seal.keyIds ?? [] });
  }

  const ready = open();
  return {
    log: {
      async *follow(subjects, signal) {
        await Promise.race([ready, aborted(signal)]);
        if (opened !== null && !signal.aborted) yield* opened.follow(subjects, signal);
      },
    },
    acknowledgements: {
      async send(acknowledgement) {
        if (opened === null) throw new LogUnavailable('there is no connection to the log yet');
        await opened.acknowledgements.send(acknowledgement);
      },
    },
    seal: {
      get keyIds() {
        return keyFile?.seal.keyIds ?? [];
      },
      async open(place, jwe) {
        if (keyFile === null) throw new SealBroken('there are no sealing keys yet');
        return keyFile.seal.open(place, jwe);
      },
    },
    reread: () => void keyFile?.reread(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ready;
      keyFile?.[Symbol.dispose]();
      await opened?.[Symbol.asyncDispose]();
    },
  };
}

function openKeys({ credentials, logger }: Needed): Promise<SealingKeyFile> {
  return openSealingKeyFile({
    file: join(credentials, secretKeys.sealingKeys),
    onChange: (keyIds) => logger.info('sealing keys changed', { keyIds }),
    onProblem: (error) =>
      logger.error('sealing keys cannot be read, those known serve on', { error }),
  });
}

/** Its files are read anew at every attempt, and later at every connection. */
function openLog({ credentials, natsUrl, subjects, pool, instance }: Needed): Promise<Opened> {
  const read = () => readNatsMaterial(credentials);
  const access = createNatsAccess(read, subjects, { is: 'pool', pool });
  const connection = { servers: natsUrl, name: instance, ...access };
  return openJetStreamEventLog({ connection, subjects });
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await promise;
}
