import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { KubeApi } from './kube-api.ts';
import { type Relay, startRelay } from './relay.ts';

/** A network that can fail, in front of an API server. */
export async function startKubeRelay(
  t: ExecutionContext,
  { url }: Pick<KubeApi, 'url'>,
  kubeconfig: string,
): Promise<Relay & { readonly kubeconfig: string }> {
  const relay = await startRelay(t, Number(new URL(url).port));
  const directory = await mkdtemp(join(tmpdir(), 'headgate-kube-relay-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'kubeconfig');
  const written = await readFile(kubeconfig, 'utf8');
  await writeFile(file, written.replaceAll(url, `https://127.0.0.1:${relay.port}`), {
    mode: 0o600,
  });
  return { ...relay, kubeconfig: file };
}
