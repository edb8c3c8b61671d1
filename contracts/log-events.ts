import { isRecord } from './json.ts';
import type { ServiceReference } from './service-reference.ts';

/** Events of the log itself, of no kind. `type` on the wire in `logEventTypes`. */
export const logEventTypes = {
  secretSealed: 'dev.headgate.secret.sealed.v1',
  endpointsObserved: 'dev.headgate.endpoints.observed.v1',
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

/**
 * Who serves a Service at this moment, to resources of the namespace `from`. Nobody, or they may not
 * refer to it: `ports` is empty, or their endpoints are.
 */
export type EndpointsObserved = ServiceReference & { readonly ports: readonly ServicePort[] };

/** A port of a Service, and where it leads. */
export type ServicePort = { readonly port: number; readonly endpoints: readonly Endpoint[] };

/** `address` is an IP literal. */
export type Endpoint = { readonly address: string; readonly port: number };

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

export function isEndpointsObserved(value: unknown): value is EndpointsObserved {
  if (!isRecord(value)) return false;
  const { namespace, name, from, ports } = value;
  return (
    [namespace, name, from].every((field) => typeof field === 'string') &&
    Array.isArray(ports) &&
    ports.every(isServicePort)
  );
}

function isServicePort(value: unknown): value is ServicePort {
  if (!isRecord(value)) return false;
  const { port, endpoints } = value;
  return typeof port === 'number' && Array.isArray(endpoints) && endpoints.every(isEndpoint);
}

function isEndpoint(value: unknown): value is Endpoint {
  return (
    isRecord(value) && typeof value['address'] === 'string' && typeof value['port'] === 'number'
  );
}

export function isPoolPublished(value: unknown): value is PoolPublished {
  return isRecord(value) && typeof value['pool'] === 'string' && typeof value['logId'] === 'string';
}

export function isHistoryLost(value: unknown): value is HistoryLost {
  return (
    isRecord(value) &&
    typeof value['logId'] === 'string' &&
    typeof value['knownSequence'] === 'number'
  );
}
