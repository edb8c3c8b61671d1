import { spawn } from 'node:child_process';
import type { Condition } from '../../contracts/conditions.ts';
import { childEnvironment } from './environment.ts';
import type { KubeApi } from './kube-api.ts';
import { findKubernetesBinary } from './kubernetes-binary.ts';
import { linesOf } from './lines.ts';
import type { Scope } from './teardowns.ts';

/** A ForwardProxy as the API server shows it, as far as tests look at it. */
export type SeenProxy = {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly generation: number;
    readonly resourceVersion: string;
    readonly deletionTimestamp?: string;
  };
  readonly status?: {
    readonly observedGeneration: number;
    readonly configVersion?: number;
    readonly lastEvent?: { readonly seq: number };
    readonly propagation?: {
      readonly state: string;
      readonly lagging?: ReadonlyArray<{ readonly pod: string }>;
    };
    readonly conditions: readonly Condition[];
  };
};

export type ProxyVersions = {
  /** Every version of every ForwardProxy that there was, in order. */
  readonly seen: readonly SeenProxy[];
  /** The newest version of one, or the first after it, that is as `matches` wants it. */
  until(name: string, matches: (proxy: SeenProxy) => boolean): Promise<SeenProxy>;
};

/** Watches all ForwardProxies of a namespace until the test ends, and keeps each version. */
export function watchVersions(t: Scope, kube: KubeApi, namespace: string): ProxyVersions {
  const command = ['get', 'forwardproxies', '--namespace', namespace, '--watch', '--output=json'];
  const child = spawn(findKubernetesBinary(), ['kubectl', ...command], {
    env: childEnvironment({ KUBECONFIG: kube.kubeconfig }),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => child.kill());
  const lines = linesOf(child.stdout);
  const seen: SeenProxy[] = [];
  let read = 0;
  let wake = Promise.withResolvers<void>();

  async function collect(): Promise<void> {
    for (;;) {
      await lines.next((line) => line === '}', read);
      const end = lines.all.indexOf('}', read) + 1;
      seen.push(JSON.parse(lines.all.slice(read, end).join('\n')));
      read = end;
      wake.resolve();
      wake = Promise.withResolvers();
    }
  }
  collect().catch(() => undefined); // it ends with kubectl

  return {
    seen,
    async until(name, matches) {
      const newest = seen.findLastIndex(({ metadata }) => metadata.name === name);
      for (let next = Math.max(0, newest); ; next += 1) {
        while (next >= seen.length) await wake.promise;
        const proxy = seen[next];
        if (proxy?.metadata.name === name && matches(proxy)) return proxy;
      }
    },
  };
}

/** `True/Programmed` of a condition; empty where it is absent. */
export function wordOf({ status }: SeenProxy, type: Condition['type']): string {
  const found = status?.conditions.find((condition) => condition.type === type);
  return found === undefined ? '' : `${found.status}/${found.reason}`;
}
