import { readFile } from 'node:fs/promises';
import { createSubjects } from '../contracts/subjects.ts';
import type { NatsOptions } from '../event-log/jetstream-connection.ts';
import { openJetStreamEventLog } from '../event-log/jetstream-event-log.ts';
import { createNatsAccess, type NatsMaterial } from '../event-log/nats-access.ts';
import type { OpenedLog } from './open-log.ts';
import type { NatsAddress } from './place.ts';

/** The log in NATS at an address that can be reached from here. */
export async function openNatsLog({
  logName,
  url,
  creds,
  ca,
}: NatsAddress & { readonly logName: string }): Promise<OpenedLog> {
  const read = async (file: string | null) => (file === null ? null : readFile(file, 'utf8'));
  return connectNatsLog(logName, url, {
    creds: await read(creds),
    ca: await read(ca),
    ...{ user: null, password: null, certificate: null, key: null },
  });
}

type Way = {
  /** Keep to the address given, whatever others the server knows. */
  readonly ignoreClusterUpdates?: boolean;
  /** The name in the server's certificate, where the address has another. */
  readonly serverName?: string;
};

export async function connectNatsLog(
  logName: string,
  servers: string,
  material: NatsMaterial,
  { ignoreClusterUpdates = false, serverName }: Way = {},
): Promise<OpenedLog> {
  const subjects = createSubjects(logName);
  const { creds, user, ca } = material;
  const access = createNatsAccess(() => material, subjects, { is: 'reader' });
  const tls = access.tls && serverName ? { ...access.tls, servername: serverName } : access.tls;
  // Users in the address come with rights of their own, as `headgate up --nats` has them.
  const asUser: Partial<NatsOptions> = creds === null && user === null ? {} : access;
  const connection = {
    servers,
    ignoreClusterUpdates,
    ...asUser,
    ...(ca === null || tls === undefined || tls === null ? {} : { tls }),
  };
  const log = await openJetStreamEventLog({ connection, subjects });
  return {
    reader: log,
    subjects,
    acknowledgements: log.acknowledgements,
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}
