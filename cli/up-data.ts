import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSubjects, type Subjects } from '../contracts/subjects.ts';
import type { Acknowledgements } from '../event-log/acknowledgements.ts';
import type { EventLog } from '../event-log/event-log.ts';
import { openJetStreamEventLog } from '../event-log/jetstream-event-log.ts';
import { createSealingKey, readSealingKeys, type SealingKey } from '../event-log/sealing-keys.ts';
import { openSqliteEventLog } from '../event-log/sqlite-event-log.ts';
import { logFileIn } from './open-log.ts';
import type { LogPlace } from './options.ts';

type WritableLog = {
  readonly eventLog: EventLog & { readonly acknowledgements: Acknowledgements };
  readonly subjects: Subjects;
  /** For people. */
  readonly place: string;
};

export async function openWritableLog({ data, nats, logName }: LogPlace): Promise<WritableLog> {
  if (nats === undefined) {
    const subjects = createSubjects();
    const eventLog = await openSqliteEventLog({ file: logFileIn(data), subjects });
    return { eventLog, subjects, place: data };
  }
  const subjects = createSubjects(logName);
  const eventLog = await openJetStreamEventLog({ connection: { servers: nats }, subjects });
  return { eventLog, subjects, place: `${logName} at ${withoutPassword(nats)}` };
}

/** The keys that seal Secrets; made at the first start. */
export async function readOrMakeKeys(
  file: string,
  isShared: boolean,
  print: (line: string) => void,
): Promise<readonly SealingKey[]> {
  try {
    return await readSealingKeys(file);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  const keys = await createSealingKey(file);
  if (isShared) print(`made the sealing key ${file}: every other machine on this log needs a copy`);
  return keys;
}

/** Who publishes: resources of another source are left alone. */
export async function readOrMakeSourceId(data: string): Promise<string> {
  const file = join(data, 'source-id');
  try {
    await writeFile(file, `directory:${randomUUID()}\n`, { flag: 'wx' });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  const id = (await readFile(file, 'utf8')).trim();
  if (id !== '') return id;
  await writeFile(file, `directory:${randomUUID()}\n`); // killed between making and filling it
  return (await readFile(file, 'utf8')).trim();
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function withoutPassword(servers: string): string {
  return servers.replaceAll(/\/\/[^@/,]*@/g, '//');
}
