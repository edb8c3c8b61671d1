import { isRecord } from './json.ts';

/** Events of the log itself, of no kind. `type` on the wire in `logEventTypes`. */
export const logEventTypes = {
  secretSealed: 'dev.headgate.secret.sealed.v1',
  poolPublished: 'dev.headgate.pool.published.v1',
  leaderElected: 'dev.headgate.log.leaderelected.v1',
  historyLost: 'dev.headgate.log.historylost.v1',
  statusReported: 'dev.headgate.status.reported.v1',
} as const;

/** Secret material no one reads without the pool's key. `digest` is an HMAC, not a hash. */
export type SecretSealed = {
  readonly namespace: string;
  readonly name: string;
  readonly digest: string;
  readonly keyId: string;
  /** Field name → compact JWE (`dir`, A256GCM) whose header binds key id, log id, subject and field. */
  readonly fields: Readonly<Record<string, string>>;
};

/** Everything wanted in this pool has been published once in this log. */
export type PoolPublished = { readonly pool: string; readonly logId: string };

/** The log had to be made anew although entries up to `knownSequence` had been written before. */
export type HistoryLost = { readonly logId: string; readonly knownSequence: number };

export function isSecretSealed(value: unknown): value is SecretSealed {
  if (!isRecord(value)) return false;
  const { namespace, name, digest, keyId, fields } = value;
  return (
    [namespace, name, digest, keyId].every((field) => typeof field === 'string') &&
    isRecord(fields) &&
    Object.values(fields).every((field) => typeof field === 'string')
  );
}

export function isPoolPublished(value: unknown): value is PoolPublished {
  return isRecord(value) && typeof value['pool'] === 'string' && typeof value['logId'] === 'string';
}
