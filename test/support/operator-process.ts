import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { childEnvironment } from './environment.ts';
import { type KubeApi, startKubeApi } from './kube-api.ts';
import { type Lines, linesOf } from './lines.ts';
import { type NatsServer, startNatsServer } from './nats-server.ts';
import type { Scope } from './teardowns.ts';

export type OperatorProcess = {
  readonly child: ChildProcess;
  /** Its log. */
  readonly lines: Lines;
  /** `http://127.0.0.1:PORT` */
  readonly admin: string;
  /** Resolves with the next log line of this message, at or after line `from`. */
  said(message: string, from?: number): Promise<Readonly<Record<string, unknown>>>;
  /** Ends it; answers its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
};

export const operatorNamespace = 'headgate-system';

/** An API server with our definitions, and a NATS that lets everybody in, so that its Secret is empty. */
export async function startWhatOperatorsNeed(
  t: Scope,
): Promise<{ readonly kube: KubeApi; readonly nats: NatsServer }> {
  const [kube, nats] = await Promise.all([startKubeApi(t, { crds: true }), startNatsServer(t)]);
  await kube.kubectl('create', 'namespace', operatorNamespace);
  const secret = ['create', 'secret', 'generic', 'headgate-nats'];
  await kube.kubectl(...secret, '--namespace', operatorNamespace);
  return { kube, nats };
}

/** The operator as a cluster runs it, as a process of its own; gone with the test. */
export async function startOperatorProcess(
  t: Pick<Scope, 'teardown'>,
  { kubeconfig }: Pick<KubeApi, 'kubeconfig'>,
  natsUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<OperatorProcess> {
  const program = join(import.meta.dirname, '../../operator/main.ts');
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: childEnvironment({
      KUBECONFIG: kubeconfig,
      HEADGATE_NAMESPACE: operatorNamespace,
      HEADGATE_IMAGE: 'headgate:test',
      HEADGATE_NATS_URL: natsUrl,
      HEADGATE_ADMIN: '127.0.0.1:0',
      HEADGATE_LOG_LEVEL: 'debug',
      ...env,
    }),
  });
  const lines = linesOf(child.stderr);
  const exited = once(child, 'exit');
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
  });

  async function said(message: string, from = 0): Promise<Readonly<Record<string, unknown>>> {
    return JSON.parse(await lines.next((line) => line.includes(`"message":"${message}"`), from));
  }

  const { admin } = await said('started');
  const { port } = admin as { port: number };
  return {
    child,
    lines,
    admin: `http://127.0.0.1:${port}`,
    said,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const [code] = await exited;
      return code;
    },
  };
}
