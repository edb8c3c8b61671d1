import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment } from './environment.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';
import { findKubernetesBinary } from './kubernetes-binary.ts';
import { linesOf } from './lines.ts';
import { type Finished, run } from './run.ts';
import type { Scope } from './teardowns.ts';

const root = join(import.meta.dirname, '../..');
const longestWaitMs = 120_000;

/** The running cluster, seen from a namespace of the test's own; `kubectl` is in it unless told otherwise. */
export type Cluster = Kubectl & {
  readonly namespace: string;
  readonly kubeconfig: string;
  /** `kubectl wait --for=…`; rejects when it does not come true in two minutes. */
  waitFor(condition: string, ...objects: readonly string[]): Promise<void>;
  /** Watches one object until it is as `isTrue` wants it, and returns it then. */
  until(object: readonly string[], isTrue: (object: unknown) => boolean): Promise<unknown>;
  /** A pod with curl and Node, from which the network is as other pods see it. */
  startClientPod(name?: string): Promise<ClientPod>;
  /** A port of this machine that leads to `port` of `target`, as `service/web`. */
  forward(target: string, port: number, namespace?: string): Promise<number>;
  /** `kill -9` of a program of the cluster, as `kube-apiserver`, and its next start. */
  restart(program: string): Promise<void>;
};

export type ClientPod = {
  readonly name: string;
  /** Runs a command in it; a command that fails is an answer. */
  run(...command: readonly string[]): Promise<Finished>;
};

/** For one test: the cluster that `hack/cluster up` started, and a namespace that ends with the test. */
export async function useCluster(t: Scope): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-cluster-'));
  const kubeconfig = join(directory, 'kubeconfig');
  await copyFile(findCluster(), kubeconfig);
  const client = createKubectl(kubeconfig);
  const namespace = `test-${randomBytes(4).toString('hex')}`;
  t.teardown(async () => {
    if (!t.passed) t.log(await describe(client));
    await client.kubectl('delete', 'namespace', namespace, '--timeout=120s', '--ignore-not-found');
    await rm(directory, { recursive: true, force: true });
  });
  await client.kubectl('create', 'namespace', namespace);
  await client.kubectl('config', 'set-context', '--current', '--namespace', namespace);

  async function waitFor(condition: string, ...objects: readonly string[]): Promise<void> {
    await client.kubectl('wait', `--for=${condition}`, '--timeout=120s', ...objects);
  }

  return {
    ...client,
    namespace,
    kubeconfig,
    waitFor,
    until: (object, isTrue) => watchUntil(kubeconfig, object, isTrue),
    forward: (target, port, of = namespace) => forward(t, kubeconfig, [of, target, port]),
    async startClientPod(name = 'client') {
      await client.apply(clientPod(name));
      await waitFor('condition=Ready', `pod/${name}`);
      return {
        name,
        run: (...command) => client.tryKubectl(['exec', name, '--', ...command]),
      };
    },
    async restart(program) {
      const { code, stderr } = await run(join(root, 'hack/cluster'), ['restart', program]);
      if (code !== 0) throw new Error(`hack/cluster restart ${program}: ${stderr}`);
    },
  };
}

function findCluster(): string {
  const name = childEnvironment()['HEADGATE_CLUSTER'] ?? 'headgate';
  const kubeconfig = join(root, '.cache/cluster', name, 'kubeconfig');
  if (existsSync(kubeconfig)) return kubeconfig;
  throw new Error('no cluster: run `hack/cluster up` and `hack/cluster load-images`');
}

function clientPod(name: string): string {
  const container = {
    name: 'client',
    image: 'headgate-test:1',
    imagePullPolicy: 'Never',
    command: ['sleep', 'infinity'],
  };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    // It has nothing to finish: the namespace is gone sooner.
    spec: { terminationGracePeriodSeconds: 0, containers: [container] },
  });
}

/** Each state of the object comes as one JSON document, whose last line is a brace alone. */
export async function watchUntil(
  kubeconfig: string,
  object: readonly string[],
  isTrue: (object: unknown) => boolean,
): Promise<unknown> {
  const watch = ['kubectl', 'get', ...object, '--output=json', '--watch'];
  const child = spawn(findKubernetesBinary(), watch, {
    env: childEnvironment({ KUBECONFIG: kubeconfig }),
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: longestWaitMs,
  });
  const lines = linesOf(child.stdout);
  let read = 0;
  let last: unknown = null;
  try {
    for (;;) {
      await lines.next((line) => line === '}', read);
      const end = lines.all.indexOf('}', read) + 1;
      last = JSON.parse(lines.all.slice(read, end).join('\n'));
      if (isTrue(last)) return last;
      read = end;
    }
  } catch (error) {
    const seen = JSON.stringify(last, null, 2);
    throw new Error(`${object.join(' ')} did not become that; it was last ${seen}`, {
      cause: error,
    });
  } finally {
    child.kill();
  }
}

async function forward(
  t: Scope,
  kubeconfig: string,
  [namespace, target, port]: readonly [string, string, number],
): Promise<number> {
  const args = ['kubectl', 'port-forward', '--namespace', namespace, target, `:${port}`];
  const child = spawn(findKubernetesBinary(), args, {
    env: childEnvironment({ KUBECONFIG: kubeconfig }),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => child.kill());
  const line = await linesOf(child.stdout).next((text) => text.startsWith('Forwarding from 127.'));
  return Number(line.match(/127\.0\.0\.1:(\d+)/)?.[1]);
}

/** What somebody who looks at a failed test wants to know of its namespace. */
async function describe({ tryKubectl }: Kubectl): Promise<string> {
  const [objects, events] = await Promise.all([
    tryKubectl(['get', 'all', '--output=wide']),
    tryKubectl(['get', 'events', '--sort-by=.lastTimestamp']),
  ]);
  return `${objects.stdout}\n${events.stdout}`;
}
