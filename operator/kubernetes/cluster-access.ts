import { readFile } from 'node:fs/promises';
import type { Agent, RequestOptions } from 'node:https';
import { delimiter, join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';

/** Where the API server is, and as whom it is spoken to. */
export type ClusterAccess = {
  readonly server: string;
  readonly namespace: string;
  /** As they are now: files and tokens are rotated under a running process. */
  credentials(): Promise<Credentials>;
};

export type Credentials = {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Readonly<Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'>> & {
    readonly servername?: string;
  };
  /** Where the way leads through a proxy. */
  readonly agent: Agent | null;
};

/** What every pod finds in itself. */
export type InCluster = {
  readonly host: string;
  readonly port: string;
  /** `/var/run/secrets/kubernetes.io/serviceaccount` */
  readonly directory: string;
};

export const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Throws Node's error if the service account is not mounted. */
export async function accessInCluster({
  host,
  port,
  directory,
}: InCluster): Promise<ClusterAccess> {
  const read = async (name: string) => (await readFile(join(directory, name), 'utf8')).trim();
  const namespace = await read('namespace').catch(() => 'default');
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    namespace,
    async credentials() {
      const [ca, token] = await Promise.all([read('ca.crt'), read('token')]);
      return { headers: { authorization: `Bearer ${token}` }, tls: { ca }, agent: null };
    },
  };
}

/** From kubeconfig files: see {@link loadKubeconfig}. */
export async function accessByKubeconfig(
  files: string | null,
  context: string | null = null,
): Promise<ClusterAccess> {
  return accessOf(await loadKubeconfig(files, context));
}

/**
 * Kubeconfig files (`null`: $KUBECONFIG, else ~/.kube/config), with everything kubectl understands
 * of them. Throws if there is no such file or context.
 */
export async function loadKubeconfig(
  files: string | null,
  context: string | null = null,
): Promise<KubeConfig> {
  // Not needed in a cluster, where it would cost 0.7 s at the start and 80 MB for good.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (files === null) config.loadFromDefault();
  for (const file of (files ?? '').split(delimiter).filter((name) => name !== '')) {
    const next = new KubeConfig();
    next.loadFromFile(file);
    config.mergeConfig(next, config.currentContext !== undefined);
  }
  if (context !== null) config.setCurrentContext(context);
  if (config.getCurrentCluster() !== null) return config;
  throw new Error(`the kubeconfig has no context "${config.getCurrentContext()}" with a cluster`);
}

/** The current context of a kubeconfig. */
export function accessOf(config: KubeConfig): ClusterAccess {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('the current context has no cluster');
  return {
    server: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    async credentials() {
      const options: RequestOptions = { headers: {} };
      await config.applyToHTTPSOptions(options);
      const { ca, cert, key, rejectUnauthorized, servername, auth, agent } = options;
      const headers = Object.fromEntries(
        Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value)]),
      );
      if (typeof auth === 'string') {
        headers['authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
      }
      return {
        headers,
        tls: {
          ...(ca === undefined ? {} : { ca }),
          ...(cert === undefined ? {} : { cert }),
          ...(key === undefined ? {} : { key }),
          ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
          ...(servername === undefined ? {} : { servername }),
        },
        agent: cluster.proxyUrl === undefined ? null : (agent as Agent),
      };
    },
  };
}
