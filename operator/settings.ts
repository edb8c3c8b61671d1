import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { clusterNames, clusterPorts } from '../contracts/cluster-names.ts';
import { type LogLevel, logLevels } from '../contracts/log-level.ts';
import {
  dnsLabel,
  type Environment,
  hostPort,
  oneOf,
  optional,
  required,
  SettingWrong,
  wholeNumber,
} from '../runtime/environment.ts';

/** What an operator is told from outside. */
export type OperatorSettings = {
  /** Its own: pools, keys and the lease lie there. */
  readonly namespace: string;
  readonly podName: string;
  /** Names this process and no other, also after a restart in the same pod. */
  readonly identity: string;
  /** Of the pods of pools. */
  readonly image: string;
  readonly natsUrl: string;
  /** The NATS server is the one of our manifests: its keys are ours to make. */
  readonly isNatsEmbedded: boolean;
  readonly natsReplicas: number;
  readonly logName: string;
  readonly logMaxBytes: number;
  /** So long others wait after the last sign of life of the one that leads. */
  readonly leaseSeconds: number;
  /** How long a pool is kept that nobody uses. */
  readonly keepUnusedPoolsSeconds: number;
  readonly admin: { readonly host: string; readonly port: number };
  readonly logLevel: LogLevel;
  /** Take over a log that another cluster wrote. */
  readonly adopt: boolean;
  /** `null`: there is none of our own, so a kubeconfig says where the API server is. */
  readonly inCluster: { readonly host: string; readonly port: string } | null;
};

const maxLogBytes = 1024 ** 4;
/** Timers take 24 days at most. */
const maxKeepSeconds = 7 * 86_400;

/** The only reader of the environment: a wrong one stops us here, and not when it is needed. */
export function readSettings(env: Environment): OperatorSettings {
  const podName = optional(env, 'HEADGATE_POD_NAME', hostname());
  const host = optional(env, 'KUBERNETES_SERVICE_HOST', null);
  const kubeconfig = optional(env, 'KUBECONFIG', null);
  return {
    namespace: dnsLabel(env, 'HEADGATE_NAMESPACE', clusterNames.namespace),
    podName,
    identity: `${podName}/${randomUUID()}`,
    image: required(env, 'HEADGATE_IMAGE'),
    natsUrl: natsAddress(env),
    isNatsEmbedded: isOn(env, 'HEADGATE_NATS_EMBEDDED'),
    natsReplicas: wholeNumber(env, 'HEADGATE_NATS_REPLICAS', { min: 1, max: 5, otherwise: 1 }),
    logName: dnsLabel(env, 'HEADGATE_LOG_NAME', 'headgate'),
    logMaxBytes: wholeNumber(env, 'HEADGATE_LOG_MAX_BYTES', {
      min: 1024 ** 2,
      max: maxLogBytes,
      otherwise: 1024 ** 3,
    }),
    leaseSeconds: wholeNumber(env, 'HEADGATE_LEASE_SECONDS', { min: 3, max: 300, otherwise: 15 }),
    keepUnusedPoolsSeconds: wholeNumber(env, 'HEADGATE_KEEP_UNUSED_POOLS_SECONDS', {
      min: 0,
      max: maxKeepSeconds,
      otherwise: 300,
    }),
    admin: hostPort(env, 'HEADGATE_ADMIN', `0.0.0.0:${clusterPorts.admin}`),
    logLevel: oneOf(env, 'HEADGATE_LOG_LEVEL', logLevels, 'info'),
    adopt: isOn(env, 'HEADGATE_ADOPT'),
    inCluster:
      host === null || kubeconfig !== null
        ? null
        : { host, port: optional(env, 'KUBERNETES_SERVICE_PORT', '443') },
  };
}

/** It goes into the Deployment of every pool, where many may read it. */
function natsAddress(env: Environment): string {
  const otherwise = `nats://${clusterNames.nats}:${clusterPorts.nats}`;
  const address = optional(env, 'HEADGATE_NATS_URL', otherwise);
  if (!address.includes('@')) return address;
  throw new SettingWrong(
    `HEADGATE_NATS_URL must say where NATS is and not who logs in: that is for the Secret ${clusterNames.natsSecret}`,
  );
}

function isOn(env: Environment, name: string): boolean {
  return oneOf(env, name, ['true', 'false'], 'false') === 'true';
}
