import { createUser, encodeUser, fmtCreds } from '@nats-io/jwt';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import { createSubjects } from '../../contracts/subjects.ts';
import type { NatsOptions } from '../../event-log/jetstream-connection.ts';
import { openJetStreamEventLog } from '../../event-log/jetstream-event-log.ts';
import { createNatsAccess, type NatsMaterial } from '../../event-log/nats-access.ts';
import { createNatsKeys, publicKeyOf, signAccounts } from '../../event-log/nats-accounts.ts';
import { guestApiPrefix, type NatsRole } from '../../event-log/nats-permissions.ts';
import { natsServerConfig } from '../../event-log/nats-server-config.ts';
import { mintUser } from '../../event-log/nats-users.ts';
import { startNatsServer } from './nats-server.ts';
import type { Scope } from './teardowns.ts';

const encoder = new TextEncoder();

export const noMaterial: NatsMaterial = {
  ...{ creds: null, user: null, password: null },
  ...{ ca: null, certificate: null, key: null },
};

/**
 * A nats-server with users by JWT, as the operator sets it up; `isWalled`: pools and readers have an
 * account of their own there, else all users belong to one, as on a server with one account for us.
 */
export async function startNatsWithUsers(
  t: Scope,
  { isWalled = true, tlsDirectory = null as string | null } = {},
) {
  const subjects = createSubjects();
  const keys = createNatsKeys();
  const trust = await signAccounts(keys, subjects);
  const server = await startNatsServer(t, ({ port, storeDirectory }) =>
    natsServerConfig({
      trust,
      listen: `127.0.0.1:${port}`,
      monitor: null,
      storeDirectory,
      tlsDirectory,
    }),
  );

  function mint(role: NatsRole): Promise<string> {
    const isGuest = isWalled && role.is !== 'operator';
    const signingSeed = isGuest ? keys.guests : keys.account;
    const account = publicKeyOf(signingSeed);
    const apiPrefix = isGuest ? { apiPrefix: guestApiPrefix } : {};
    return mintUser({ signingSeed, account, subjects, role, ...apiPrefix });
  }

  async function accessOf(role: NatsRole): Promise<NatsOptions> {
    const material = { ...noMaterial, creds: await mint(role) };
    return { servers: server.url, ...createNatsAccess(() => material, subjects, role) };
  }

  async function logOf(role: NatsRole, timeoutMs = 2000) {
    const connection = { ...(await accessOf(role)), timeoutMs };
    const log = await openJetStreamEventLog({ connection, subjects });
    t.teardown(() => log[Symbol.asyncDispose]());
    return log;
  }

  async function connectAsAccount(seed: string) {
    const nats = await connectUnrestricted(server.url, seed);
    t.teardown(() => nats.close());
    return nats;
  }

  /** What a program of somebody who stole the credentials could send. */
  async function connectAs(role: NatsRole) {
    const { servers, apiPrefix = '$JS.API', ...access } = await accessOf(role);
    const nats = await connect({ servers, ...access });
    t.teardown(() => nats.close());
    return { nats, apiPrefix };
  }

  return {
    server,
    subjects,
    keys,
    mint,
    accessOf,
    logOf,
    connectAs,
    connectUnrestricted: connectAsAccount,
  };
}

/** A user that its account does not restrict; `seed` is the account's. */
export async function connectUnrestricted(servers: string, seed: string) {
  const user = createUser();
  const creds = fmtCreds(await encodeUser('test', user, encoder.encode(seed)), user);
  return await connect({ servers, authenticator: credsAuthenticator(creds) });
}
