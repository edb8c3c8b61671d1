import {
  clusterNames,
  clusterPorts,
  natsServerDirectories,
  secretKeys,
} from '../../../contracts/cluster-names.ts';
import type { Subjects } from '../../../contracts/subjects.ts';
import {
  createNatsKeys,
  type NatsKeys,
  publicKeyOf,
  signAccounts,
} from '../../../event-log/nats-accounts.ts';
import { natsServerConfig } from '../../../event-log/nats-server-config.ts';
import { mintUser } from '../../../event-log/nats-users.ts';
import { CredentialsUnusable } from './nats-secret.ts';
import type { Files, SecretStore } from './secret-store.ts';

/**
 * Keys and configuration of the NATS server in the cluster, made at the first start; answers what
 * the operator and its guests log in with. Of two operators that start at once, one makes them.
 * `known`: what was there, should it be gone.
 */
export async function ensureEmbeddedNats(
  store: SecretStore,
  subjects: Subjects,
  known: Files | null,
): Promise<Files> {
  const { natsSecret, natsServerSecret, natsTlsSecret } = clusterNames;
  const files =
    (await store.read(natsSecret)) ??
    (await store.createOnce(natsSecret, known ?? (await newCredentials(subjects))));
  const tls = await store.read(natsTlsSecret);
  const server = await store.read(natsServerSecret);
  if (server === null) {
    await store.createOnce(natsServerSecret, await serverFiles(files, tls, subjects));
  } else if (!isFor(server, files) || !hasCertificate(server, tls)) {
    await store.write(natsServerSecret, await serverFiles(files, tls, subjects));
  }
  const ca = tls?.[secretKeys.ca] ?? tls?.[secretKeys.certificate];
  const { [secretKeys.ca]: _, ...rest } = files;
  return ca === undefined ? rest : { ...rest, [secretKeys.ca]: ca };
}

/** With the seeds, so that the configuration can be made anew and the accounts, and streams, stay. */
async function newCredentials(subjects: Subjects): Promise<Files> {
  const keys = createNatsKeys();
  const account = publicKeyOf(keys.account);
  const role = { is: 'operator' } as const;
  return {
    [secretKeys.operatorSeed]: keys.operator,
    [secretKeys.signingSeed]: keys.account,
    [secretKeys.account]: account,
    [secretKeys.guestsSigningSeed]: keys.guests,
    [secretKeys.guests]: publicKeyOf(keys.guests),
    [secretKeys.creds]: await mintUser({ signingSeed: keys.account, account, subjects, role }),
  };
}

async function serverFiles(files: Files, tls: Files | null, subjects: Subjects): Promise<Files> {
  const { config, data } = natsServerDirectories;
  const conf = natsServerConfig({
    trust: await signAccounts(keysIn(files), subjects),
    listen: `0.0.0.0:${clusterPorts.nats}`,
    monitor: `0.0.0.0:${clusterPorts.natsMonitor}`,
    storeDirectory: data,
    tlsDirectory: tls === null ? null : config,
  });
  return { [secretKeys.serverConfig]: conf, ...certificateIn(tls) };
}

function keysIn(files: Files): NatsKeys {
  const seedOf = (key: string) => {
    const seed = files[key];
    if (seed !== undefined) return seed;
    throw new CredentialsUnusable(
      `the Secret ${clusterNames.natsSecret} has no ${key}: it was not made for the NATS server of these manifests. Remove it, or use the manifests for a NATS of your own`,
    );
  };
  return {
    operator: seedOf(secretKeys.operatorSeed),
    account: seedOf(secretKeys.signingSeed),
    guests: seedOf(secretKeys.guestsSigningSeed),
  };
}

function certificateIn(tls: Files | null): Files {
  const { certificate, key } = secretKeys;
  if (tls === null) return {};
  return { [certificate]: tls[certificate] ?? '', [key]: tls[key] ?? '' };
}

/** Whether the server knows the account whose users we make. */
function isFor(server: Files, files: Files): boolean {
  const account = files[secretKeys.account] ?? '';
  return server[secretKeys.serverConfig]?.includes(account) ?? false;
}

function hasCertificate(server: Files, tls: Files | null): boolean {
  const wanted = certificateIn(tls);
  return [secretKeys.certificate, secretKeys.key].every((name) => server[name] === wanted[name]);
}
