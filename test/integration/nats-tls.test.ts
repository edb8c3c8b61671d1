import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createSubjects } from '../../contracts/subjects.ts';
import { LogUnavailable } from '../../event-log/event-log.ts';
import { openJetStreamEventLog } from '../../event-log/jetstream-event-log.ts';
import { createNatsAccess, readNatsMaterial } from '../../event-log/nats-access.ts';
import { keyOf, makeEvent, pool } from '../support/events.ts';
import { follow } from '../support/follow-log.ts';
import { startNatsServer } from '../support/nats-server.ts';
import { mountSecret } from '../support/pod-process.ts';
import { startRelay } from '../support/relay.ts';
import { type Authority, makeAuthority } from '../support/tls.ts';

const subjects = createSubjects();
const a = subjects.config(pool, keyOf('a'));
type Leaf = Awaited<ReturnType<Authority['issue']>>;

/** A server with a certificate, that asks for one of its clients if it is told who signs them. */
async function startTlsServer(t: ExecutionContext, leaf: Leaf, clientCa = '') {
  let directory = '';
  const files = async (cert: Leaf) => {
    await writeFile(join(directory, 'server.crt'), cert.cert);
    await writeFile(join(directory, 'server.key'), cert.key);
  };
  const present = await mountSecret(t);
  directory = present.directory;
  await files(leaf);
  const trust = async (ca: string) => writeFile(join(directory, 'clients.crt'), ca);
  await trust(clientCa);
  const verify = clientCa === '' ? '' : `verify: true, ca_file: "${directory}/clients.crt",`;
  const tls = `tls { ${verify} cert_file: "${directory}/server.crt", key_file: "${directory}/server.key" }`;
  const server = await startNatsServer(
    t,
    `${tls}\nauthorization { user: ada, password: lovelace }`,
  );
  return {
    ...server,
    async present(cert: Leaf, trusted = clientCa) {
      await files(cert);
      await trust(trusted);
      await server.reload();
    },
  };
}

async function openLog(t: ExecutionContext, port: number, directory: string) {
  const access = createNatsAccess(() => readNatsMaterial(directory), subjects, { is: 'operator' });
  const connection = { servers: `tls://127.0.0.1:${port}`, timeoutMs: 1000, ...access };
  const log = await openJetStreamEventLog({ connection, subjects });
  t.teardown(() => log[Symbol.asyncDispose]());
  return log;
}

const login = { 'nats.user': 'ada', 'nats.password': 'lovelace' };

test('the log is kept on a server with TLS that wants certificates of its clients', async (t) => {
  const authority = await makeAuthority(t);
  const server = await startTlsServer(t, await authority.issue(), authority.ca);
  const files = await mountSecret(t);
  const { cert, key } = await authority.issue();
  await files.write({ ...login, 'ca.crt': authority.ca, 'tls.crt': cert, 'tls.key': key });

  const log = await openLog(t, server.port, files.directory);
  const leader = await log.lead('me');
  await leader.append([{ subject: a, event: makeEvent('kept') }]);

  const { entries } = await follow(t, log, [a]).nextOf('snapshot');
  t.deepEqual(
    entries.map(({ event }) => event.data),
    ['kept'],
  );
});

test('every certificate is replaced while the log is used, and it goes on', async (t) => {
  const [before, after] = [await makeAuthority(t), await makeAuthority(t)];
  const server = await startTlsServer(t, await before.issue(), before.ca);
  const relay = await startRelay(t, server.port);
  const files = await mountSecret(t);
  const client = await before.issue();
  const both = `${before.ca}${after.ca}`;
  await files.write({
    ...{ ...login, 'ca.crt': before.ca },
    ...{ 'tls.crt': client.cert, 'tls.key': client.key },
  });
  const log = await openLog(t, relay.port, files.directory);
  const leader = await log.lead('me');
  const follower = follow(t, log, [a]);
  await follower.nextOf('snapshot');

  // As an administrator does it: first everybody trusts both, then certificates, then only the new.
  const next = await after.issue();
  await files.write({
    ...{ ...login, 'ca.crt': both },
    ...{ 'tls.crt': client.cert, 'tls.key': client.key },
  });
  await server.present(await after.issue(), both);
  relay.cut();
  await follower.nextOf('snapshot');
  await leader.append([{ subject: a, event: makeEvent('with the new server certificate') }]);
  t.is((await follower.nextOf('entry')).entry.event.data, 'with the new server certificate');

  await files.write({
    ...{ ...login, 'ca.crt': after.ca },
    ...{ 'tls.crt': next.cert, 'tls.key': next.key },
  });
  await server.present(await after.issue(), after.ca);
  relay.cut();
  await follower.nextOf('snapshot');
  await leader.append([{ subject: a, event: makeEvent('with new certificates only') }]);

  t.is((await follower.nextOf('entry')).entry.event.data, 'with new certificates only');
});

test('a server certificate of a CA that nobody trusts is refused, and it is said what to do', async (t) => {
  const [ours, other] = [await makeAuthority(t), await makeAuthority(t)];
  const server = await startTlsServer(t, await other.issue());
  const files = await mountSecret(t);
  await files.write({ ...login, 'ca.crt': ours.ca });

  const error = await t.throwsAsync(openLog(t, server.port, files.directory), {
    instanceOf: LogUnavailable,
  });

  t.regex(error.message, /signed by nobody we trust: put the certificate of its CA into ca\.crt/);
  t.notRegex(error.message, /lovelace/);
});

test('a server certificate that has expired is refused, and it is said what to do', async (t) => {
  const authority = await makeAuthority(t);
  const server = await startTlsServer(t, await authority.issue({ isExpired: true }));
  const files = await mountSecret(t);
  await files.write({ ...login, 'ca.crt': authority.ca });

  const error = await t.throwsAsync(openLog(t, server.port, files.directory), {
    instanceOf: LogUnavailable,
  });

  t.regex(error.message, /has expired: renew it, and let nats-server read it/);
});

test('a server certificate for another name is refused, and it is said what to do', async (t) => {
  const authority = await makeAuthority(t);
  const leaf = await authority.issue({ names: ['nats.example'], isForeign: true });
  const server = await startTlsServer(t, leaf);
  const files = await mountSecret(t);
  await files.write({ ...login, 'ca.crt': authority.ca });

  const error = await t.throwsAsync(openLog(t, server.port, files.directory), {
    instanceOf: LogUnavailable,
  });

  t.regex(error.message, /is for another name: use a name it has in the address/);
});

const clients = {
  'that has expired': async (authority: Authority) => authority.issue({ isExpired: true }),
  'of another CA': async (_: Authority, t: ExecutionContext) => (await makeAuthority(t)).issue(),
  'that is missing': async () => null,
};
for (const [what, issue] of Object.entries(clients)) {
  test(`a client certificate ${what} is refused by the server, and it is said what to do`, async (t) => {
    const authority = await makeAuthority(t);
    const server = await startTlsServer(t, await authority.issue(), authority.ca);
    const files = await mountSecret(t);
    const leaf = await issue(authority, t);
    const own = leaf === null ? {} : { 'tls.crt': leaf.cert, 'tls.key': leaf.key };
    await files.write({ ...login, 'ca.crt': authority.ca, ...own });

    const error = await t.throwsAsync(openLog(t, server.port, files.directory), {
      instanceOf: LogUnavailable,
    });

    t.regex(error.message, /refuses our client certificate, or wants one: renew tls\.crt/);
  });
}

test('a certificate that expires while the log is followed is named as the reason', async (t) => {
  const authority = await makeAuthority(t);
  const server = await startTlsServer(t, await authority.issue());
  const relay = await startRelay(t, server.port);
  const files = await mountSecret(t);
  await files.write({ ...login, 'ca.crt': authority.ca });
  const log = await openLog(t, relay.port, files.directory);
  const leader = await log.lead('me');
  const follower = follow(t, log, [a]);
  await follower.nextOf('snapshot');

  await server.present(await authority.issue({ isExpired: true }));
  relay.cut();
  let problem = '';
  while (!problem.includes('has expired'))
    problem = (await follower.nextOf('disconnected')).problem;
  await server.present(await authority.issue());
  await follower.nextOf('snapshot');

  await t.notThrowsAsync(leader.append([{ subject: a, event: makeEvent('renewed') }]));
});

test('who is told to use TLS does not speak without', async (t) => {
  const server = await startNatsServer(t);
  const files = await mountSecret(t);

  await files.write(login);
  const byAddress = await t.throwsAsync(openLog(t, server.port, files.directory));

  t.regex(byAddress.message, /speaks no TLS/);
});

test('files that are no certificates are named', async (t) => {
  const authority = await makeAuthority(t);
  const server = await startTlsServer(t, await authority.issue());
  const files = await mountSecret(t);
  await files.write({ ...login, 'ca.crt': authority.ca, 'tls.crt': 'x', 'tls.key': 'y' });

  const error = await t.throwsAsync(openLog(t, server.port, files.directory));

  t.regex(error.message, /ca\.crt, tls\.crt and tls\.key have to be PEM/);
});

test('a wrong password is said to be one', async (t) => {
  const authority = await makeAuthority(t);
  const server = await startTlsServer(t, await authority.issue());
  const files = await mountSecret(t);
  await files.write({ 'nats.user': 'ada', 'nats.password': 'wrong', 'ca.crt': authority.ca });

  const error = await t.throwsAsync(openLog(t, server.port, files.directory));

  t.regex(error.message, /does not let us in .*check nats\.creds, or nats\.user/);
  t.notRegex(error.message, /wrong/);
});
