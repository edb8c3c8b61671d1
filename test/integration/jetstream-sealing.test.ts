import { Buffer } from 'node:buffer';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isSecretSealed, logEventTypes } from '../../contracts/log-events.ts';
import { createSubjects } from '../../contracts/subjects.ts';
import type { EventLog, Leader } from '../../event-log/event-log.ts';
import { openJetStreamEventLog } from '../../event-log/jetstream-event-log.ts';
import { createSeal, type Seal, SealBroken } from '../../event-log/seal.ts';
import { generateSealingKey } from '../../event-log/sealing-keys.ts';
import { openSqliteEventLog } from '../../event-log/sqlite-event-log.ts';
import { makeEvent, pool } from '../support/events.ts';
import { follow } from '../support/follow-log.ts';
import { startNatsServer } from '../support/nats-server.ts';

const subjects = createSubjects();
const subject = subjects.secret(pool, 'team-a', 'egress-users');
const material = 'ada:$2b$10$a-password-nobody-may-find';

type Opened = { readonly log: EventLog; readonly folder: string };

const adapters: Record<string, (t: ExecutionContext) => Promise<Opened>> = {
  async JetStream(t) {
    const server = await startNatsServer(t);
    const log = await openJetStreamEventLog({ connection: { servers: server.url }, subjects });
    t.teardown(() => log[Symbol.asyncDispose]());
    return { log, folder: server.storeDirectory };
  },
  async SQLite(t) {
    const folder = await mkdtemp(join(tmpdir(), 'headgate-sealing-'));
    t.teardown(() => rm(folder, { recursive: true }));
    const log = await openSqliteEventLog({ file: join(folder, 'log.db'), subjects });
    t.teardown(() => log[Symbol.asyncDispose]());
    return { log, folder };
  },
};

for (const [name, open] of Object.entries(adapters)) {
  test(`${name}: a sealed secret is read by its pool and found nowhere in the bytes of the log`, async (t) => {
    const { log, folder } = await open(t);
    const leader = await log.lead('me');
    const seal = createSeal([generateSealingKey()]);

    await appendSealed(leader, seal);

    t.is(await readSealed(t, log, seal), material);
    const bytes = await readBytes(folder);
    t.true(bytes.includes('egress-users'), 'the log is where we look');
    t.false(bytes.includes(material));
    t.false(bytes.includes(Buffer.from(material).toString('base64url').slice(3, -3)));
    t.false(bytes.includes('a-password-nobody'));
  });

  test(`${name}: keys rotate: add, seal with it, seal everything anew, remove the old one`, async (t) => {
    const { log } = await open(t);
    const leader = await log.lead('me');
    const [old, fresh] = [generateSealingKey(), generateSealingKey()];
    await appendSealed(leader, createSeal([old]));

    const podWithBoth = createSeal([old, fresh]);
    t.is(await readSealed(t, log, podWithBoth), material);
    await appendSealed(leader, createSeal([fresh, old]));

    t.is(await readSealed(t, log, podWithBoth), material);
    t.is(await readSealed(t, log, createSeal([fresh])), material);
    await t.throwsAsync(readSealed(t, log, createSeal([old])), { instanceOf: SealBroken });
  });
}

async function appendSealed(leader: Leader, seal: Seal): Promise<void> {
  const { logId } = leader;
  const [keyId = ''] = seal.keyIds;
  const data = {
    namespace: 'team-a',
    name: 'egress-users',
    digest: await seal.digest(pool, { auth: material }),
    keyId,
    fields: { auth: await seal.seal({ pool, logId, subject, field: 'auth' }, material) },
  };
  const event = { ...makeEvent(data), type: logEventTypes.secretSealed };
  await leader.append([{ subject, event, lastOnly: true }]);
}

async function readSealed(t: ExecutionContext, log: EventLog, seal: Seal): Promise<string> {
  const { logId, entries } = await follow(t, log, [subjects.allConfigOf(pool)]).nextOf('snapshot');
  const data = entries[0]?.event.data;
  if (!isSecretSealed(data)) throw new Error('no sealed secret in the snapshot');
  return seal.open({ pool, logId, subject, field: 'auth' }, data.fields['auth'] ?? '');
}

async function readBytes(folder: string): Promise<Buffer> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = files
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name));
  return Buffer.concat(await Promise.all(paths.map((path) => readFile(path))));
}
