import type { ExecutionContext } from 'ava';
import { createSubjects } from '../../contracts/subjects.ts';
import { openJetStreamEventLog } from '../../event-log/jetstream-event-log.ts';
import { testEventLog } from '../contracts/event-log.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';

testEventLog('JetStream', async (t, options = {}) => {
  const server = await startNatsServer(t);
  const subjects = createSubjects();
  return { log: await openLog(t, server, options), subjects };
});

async function openLog(t: ExecutionContext, server: NatsServer, options: { maxBytes?: number }) {
  const subjects = createSubjects();
  const log = await openJetStreamEventLog({
    connection: { servers: server.url },
    subjects,
    ...options,
  });
  t.teardown(() => log[Symbol.asyncDispose]());
  return log;
}
