import { hostname } from 'node:os';
import { clusterPorts, credentialsDirectory } from '../contracts/cluster-names.ts';
import { type LogLevel, logLevels } from '../contracts/log-level.ts';
import {
  dnsLabel,
  type Environment,
  hostPort,
  oneOf,
  optional,
  required,
  wholeNumber,
} from '../runtime/environment.ts';

/** What a pod is told from outside. */
export type PodSettings = {
  readonly pool: string;
  /** How it signs its acknowledgements. */
  readonly instance: string;
  readonly natsUrl: string;
  /** Where the files of its Secret lie. */
  readonly credentials: string;
  readonly logName: string;
  readonly workers: number;
  readonly admin: { readonly host: string; readonly port: number };
  readonly accessLog: string;
  readonly drainGraceMs: number;
  readonly logLevel: LogLevel;
};

/** The only reader of the environment: a wrong one stops us here, and not at the first request. */
export function readSettings(env: Environment): PodSettings {
  const grace = { min: 0, max: 3600, otherwise: 5 };
  return {
    pool: dnsLabel(env, 'HEADGATE_POOL', null),
    instance: optional(env, 'HEADGATE_POD_NAME', hostname()),
    natsUrl: required(env, 'HEADGATE_NATS_URL'),
    credentials: optional(env, 'HEADGATE_CREDENTIALS', credentialsDirectory),
    logName: dnsLabel(env, 'HEADGATE_LOG_NAME', 'headgate'),
    workers: wholeNumber(env, 'HEADGATE_WORKERS', { min: 1, max: 256, otherwise: 1 }),
    admin: hostPort(env, 'HEADGATE_ADMIN', `0.0.0.0:${clusterPorts.admin}`),
    accessLog: optional(env, 'HEADGATE_ACCESS_LOG', '-'),
    drainGraceMs: 1000 * wholeNumber(env, 'HEADGATE_DRAIN_GRACE_SECONDS', grace),
    logLevel: oneOf(env, 'HEADGATE_LOG_LEVEL', logLevels, 'info'),
  };
}
