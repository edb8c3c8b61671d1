import { clusterNames, secretKeys } from '../../../contracts/cluster-names.ts';
import type { Subjects } from '../../../contracts/subjects.ts';
import type { NatsMaterial } from '../../../event-log/nats-access.ts';
import { createSeal, type Seal } from '../../../event-log/seal.ts';
import {
  deriveForPool,
  formatSealingKey,
  generateSealingKey,
  parseSealingKeys,
  type SealingKey,
} from '../../../event-log/sealing-keys.ts';
import { keepTrying } from '../../../runtime/keep-trying.ts';
import type { Log } from '../../../runtime/log.ts';
import type { KubernetesApi } from '../api.ts';
import { poolObjectName } from '../pools/names.ts';
import { watchSecrets } from '../watch-secrets.ts';
import { ensureEmbeddedNats } from './embedded-nats.ts';
import { CredentialsUnusable, guestFiles, operatorMaterial } from './nats-secret.ts';
import { createSecretStore, type Files, type SecretStore } from './secret-store.ts';

/** The Secrets the operator lives on, made where there are none, and followed when they change. */
export type Credentials = {
  /** How the operator is let in to NATS, as of now: asked at each connection. */
  natsMaterial(): NatsMaterial;
  /** With the master keys, as of now. */
  readonly seal: Seal;
  /** What the Secret of a pool should hold. The same until something it is made of changes. */
  poolFiles(pool: string): Promise<Files>;
};

type Options = {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly subjects: Subjects;
  /** The NATS server is the one of our manifests: its keys and configuration are ours to make. */
  readonly isEmbedded: boolean;
  /** Asked before each write: whether this operator still leads. */
  readonly mayWrite: () => boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Other keys, another login: pools' Secrets have to be written, and sealing keys chosen, anew. */
  readonly onChange: () => void;
};

type Material = { readonly nats: Files; readonly keys: readonly SealingKey[] };

/** Waits, and says for what, until everything is there; throws when `signal` aborts before. */
export async function openCredentials(options: Options): Promise<Credentials> {
  const { api, namespace, subjects, mayWrite, log, signal, onChange } = options;
  const store = createSecretStore({ api, namespace, mayWrite });
  const told = { log, signal };
  const first = await keepTrying('credentials', () => readOrMake(store, options, null), told);
  if (first === null) throw signal.reason;
  let current: Material = first;

  const seal = createSeal(() => current.keys);

  async function lookAgain(): Promise<void> {
    const look = () => readOrMake(store, options, current);
    const next = await keepTrying('changed credentials', look, told);
    if (next === null || isSame(current, next)) return;
    current = next;
    log.info('credentials changed', { keyIds: seal.keyIds });
    onChange();
  }

  let turn: Promise<void> = Promise.resolve();
  const changed = () => {
    turn = turn.then(lookAgain).catch((error: unknown) => {
      if (!signal.aborted) log.error('changed credentials could not be taken', { error });
    });
  };
  watchForChanges(options, changed);
  return {
    natsMaterial: () => operatorMaterial(current.nats),
    seal,
    async poolFiles(pool) {
      const { nats, keys } = current;
      const known = await store.read(poolObjectName(pool));
      const derived = keys.map((key) => deriveForPool(key, pool));
      return {
        ...(await guestFiles(nats, subjects, { is: 'pool', pool }, known)),
        [secretKeys.sealingKeys]: linesOf(derived),
      };
    },
  };
}

/** A Secret that somebody deletes comes back as it was: with other keys nothing sealed could be opened. */
async function readOrMake(
  store: SecretStore,
  { isEmbedded, subjects }: Pick<Options, 'isEmbedded' | 'subjects'>,
  known: Material | null,
): Promise<Material> {
  const { natsSecret, sealingKeysSecret } = clusterNames;
  const nats = isEmbedded
    ? await ensureEmbeddedNats(store, subjects, known?.nats ?? null)
    : await store.read(natsSecret);
  if (nats === null) {
    throw new CredentialsUnusable(
      `there is no Secret ${natsSecret}: make one with ${secretKeys.creds} and ${secretKeys.signingSeed}, see docs/install.md`,
    );
  }
  const sealing =
    (await store.read(sealingKeysSecret)) ??
    (await store.createOnce(sealingKeysSecret, {
      [secretKeys.sealingKeys]: linesOf(known?.keys ?? [generateSealingKey()]),
    }));
  const where = `${secretKeys.sealingKeys} of Secret ${sealingKeysSecret}`;
  const keys = parseSealingKeys(sealing[secretKeys.sealingKeys] ?? '', where);
  await ensureReader(store, nats, subjects);
  return { nats, keys };
}

/** For people who look; where users cannot be made, an administrator gives them theirs. */
async function ensureReader(store: SecretStore, nats: Files, subjects: Subjects): Promise<void> {
  const { readerSecret } = clusterNames;
  const { signingSeed, guestsSigningSeed } = secretKeys;
  if (nats[signingSeed] === undefined && nats[guestsSigningSeed] === undefined) return;
  const known = await store.read(readerSecret);
  const wanted = await guestFiles(nats, subjects, { is: 'reader' }, known);
  if (known === null) await store.createOnce(readerSecret, wanted);
  else if (!isSameFiles(known, wanted)) await store.write(readerSecret, wanted);
}

function watchForChanges(options: Options, changed: () => void): void {
  const { namespace, isEmbedded } = options;
  const { natsSecret, sealingKeysSecret, readerSecret } = clusterNames;
  const { natsServerSecret, natsTlsSecret } = clusterNames;
  const watched = watchSecrets({
    ...options,
    onChange(_, name) {
      changed();
      void keepWatching(name);
    },
    onRestart: () => undefined,
  });
  // Who is not read any more is not watched any more.
  const keepWatching = (name: string) =>
    watched.read(namespace, name).catch((error: unknown) => {
      if (!options.signal.aborted) options.log.warn('a Secret cannot be watched', { name, error });
    });
  const ofServer = isEmbedded ? [natsServerSecret, natsTlsSecret] : [];
  const names = [natsSecret, sealingKeysSecret, readerSecret, ...ofServer];
  // What changed between the first look and the first listing nobody tells.
  void Promise.all(names.map(keepWatching)).then(() => {
    if (!options.signal.aborted) changed();
  });
}

function isSame(one: Material, other: Material): boolean {
  return isSameFiles(one.nats, other.nats) && linesOf(one.keys) === linesOf(other.keys);
}

function linesOf(keys: readonly SealingKey[]): string {
  return keys.map((key) => `${formatSealingKey(key)}\n`).join('');
}

function isSameFiles(one: Files, other: Files): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => one[name] === other[name]);
}
