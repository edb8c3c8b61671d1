import { clusterNames, clusterPorts } from '../contracts/cluster-names.ts';
import type { LogLevel } from '../contracts/log-level.ts';
import { readSettings } from '../operator/settings.ts';
import type { MonitoringProps } from './charts/monitoring.ts';
import { findPoolProblems, type PoolProps } from './pools-file.ts';

/** What can be said about an installation. Everything has a default that works for trying it out. */
export type HeadgateProps = {
  /** Where operator, NATS and the pods of pools run. Default: `headgate-system`. */
  readonly namespace?: string;
  /** Whether the namespace comes along. Default: true. */
  readonly createNamespace?: boolean;
  /** The one image of operator and pools. Default: `headgate:0.1.0`. */
  readonly image?: string;
  /** Operators; one leads, the others stand by. Default: 2. */
  readonly replicas?: number;
  /** Default: an embedded server that forgets everything when its pod goes. */
  readonly nats?: EmbeddedNats | ExternalNats;
  /** Pools by name. Default: one, `default`, for every namespace. */
  readonly pools?: Readonly<Record<string, PoolProps>>;
  /**
   * Namespaces whose Secrets resources may refer to. Default: all, which means that the operator may
   * read every Secret of the cluster.
   */
  readonly secretNamespaces?: readonly string[];
  /** Dashboard, alert rules and what is scraped. Default: none of them. */
  readonly monitoring?: Omit<MonitoringProps, 'namespace'>;
  /** Name of the event log, which several installations on one NATS need. Default: `headgate`. */
  readonly logName?: string;
  /** The log is never larger; when it is full no change is taken. Bytes. Default: the operator's. */
  readonly logMaxBytes?: number;
  /** How long a pool is kept that no resource uses any more. Default: 300. */
  readonly keepUnusedPoolsSeconds?: number;
  /** How much the operator says. Default: `info`. */
  readonly logLevel?: LogLevel;
  /** Takes over a log that another cluster or directory wrote. Default: false. */
  readonly adopt?: boolean;
};

export type EmbeddedNats = {
  readonly embedded: {
    /** Default: `docker.io/library/nats:2.15.1`. */
    readonly image?: string;
    /** A volume of its own, which keeps the history. Default: none. */
    readonly storage?: {
      /** As `2Gi`. */
      readonly size: string;
      /** Default: the cluster's default storage class. */
      readonly className?: string;
    };
  };
};

/** A NATS that is there already; the Secret `headgate-nats` says how it is logged in to. */
export type ExternalNats = {
  /** As `tls://nats.example.com:4222`; more than one with commas. */
  readonly url: string;
  /** Copies of the log; the NATS needs as many servers. Default: 1. */
  readonly replicas?: number;
};

/** An installation with every default filled in. */
export type Install = Required<
  Pick<HeadgateProps, 'namespace' | 'createNamespace' | 'image' | 'replicas' | 'pools'>
> & {
  readonly nats: EmbeddedServer | ExternalServer;
  /** `null`: all of them. */
  readonly secretNamespaces: readonly string[] | null;
  readonly monitoring: MonitoringProps | null;
  /** What the operator is told besides, by variable. */
  readonly settings: Readonly<Record<string, string>>;
};

export type EmbeddedServer = {
  readonly type: 'embedded';
  readonly image: string;
  readonly storage: { readonly size: string; readonly className: string | null } | null;
};

export type ExternalServer = {
  readonly type: 'external';
  readonly url: string;
  readonly replicas: number;
};

export function resolveInstall(props: HeadgateProps): Install {
  const { namespace = clusterNames.namespace, monitoring } = props;
  return {
    namespace,
    createNamespace: props.createNamespace ?? true,
    image: props.image ?? 'headgate:0.1.0',
    replicas: props.replicas ?? 2,
    nats: resolveNats(props.nats ?? { embedded: {} }),
    pools: props.pools ?? { default: {} },
    secretNamespaces: props.secretNamespaces ?? null,
    monitoring: monitoring === undefined ? null : { ...monitoring, namespace },
    settings: settingsOf(props),
  };
}

function resolveNats(nats: EmbeddedNats | ExternalNats): EmbeddedServer | ExternalServer {
  if ('url' in nats) return { type: 'external', url: nats.url, replicas: nats.replicas ?? 1 };
  const { image = 'docker.io/library/nats:2.15.1', storage } = nats.embedded;
  if (storage === undefined) return { type: 'embedded', image, storage: null };
  const { size, className = null } = storage;
  return { type: 'embedded', image, storage: { size, className } };
}

function settingsOf(props: HeadgateProps) {
  const { logName, logMaxBytes, keepUnusedPoolsSeconds, logLevel, adopt } = props;
  return {
    ...(logName === undefined ? {} : { HEADGATE_LOG_NAME: logName }),
    ...(logMaxBytes === undefined ? {} : { HEADGATE_LOG_MAX_BYTES: String(logMaxBytes) }),
    ...(keepUnusedPoolsSeconds === undefined
      ? {}
      : { HEADGATE_KEEP_UNUSED_POOLS_SECONDS: String(keepUnusedPoolsSeconds) }),
    ...(logLevel === undefined ? {} : { HEADGATE_LOG_LEVEL: logLevel }),
    ...(adopt === true ? { HEADGATE_ADOPT: 'true' } : {}),
  };
}

/** What the operator is told, besides who and where it is. */
export function operatorVariables({ image, nats, settings }: Install): Record<string, string> {
  const isEmbedded = nats.type === 'embedded';
  const embeddedUrl = `nats://${clusterNames.nats}:${clusterPorts.nats}`;
  return {
    HEADGATE_IMAGE: image,
    HEADGATE_NATS_URL: isEmbedded ? embeddedUrl : nats.url,
    ...(isEmbedded ? { HEADGATE_NATS_EMBEDDED: 'true' } : {}),
    HEADGATE_NATS_REPLICAS: isEmbedded ? '1' : String(nats.replicas),
    ...settings,
  };
}

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const isLabel = (name: string) => name.length <= 63 && label.test(name);
const isCount = (count: number) => Number.isInteger(count) && count >= 1;

/** What would only be found out in the cluster: each a sentence that names the property. */
export function findInstallProblems(install: Install): string[] {
  const { namespace, replicas, nats, pools, secretNamespaces } = install;
  const names = [namespace, ...(secretNamespaces ?? [])];
  const problems = names
    .filter((name) => !isLabel(name))
    .map((name) => `"${name}" is not a name of lower-case letters, digits and "-", such as team-a`);

  if (!isCount(replicas)) problems.push(`replicas: ${replicas} is not a number of operators`);
  problems.push(...findPoolProblems(pools), ...findSettingProblems(install));
  if (nats.type === 'external') problems.push(...findServerProblems(nats));
  return problems;
}

/** What the operator would say when it starts. */
function findSettingProblems(install: Install): string[] {
  try {
    readSettings(operatorVariables(install));
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

function findServerProblems({ url, replicas }: ExternalServer): string[] {
  const problems: string[] = [];
  const wrong = url.split(',').filter((server) => !/^(nats|tls):\/\/[^\s/@]+$/.test(server.trim()));
  // It may hold a password, so it is not repeated.
  if (wrong.length > 0) {
    problems.push(
      'nats.url: write nats://host:port or tls://host:port; who logs in is in a Secret',
    );
  }
  if (![1, 3, 5].includes(replicas)) problems.push(`nats.replicas: 1, 3 or 5, not ${replicas}`);
  return problems;
}
