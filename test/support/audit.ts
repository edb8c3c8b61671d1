import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeApi } from './kube-api.ts';
import { operatorNamespace } from './operator-process.ts';
import type { Scope } from './teardowns.ts';

/** Who wrote what at an API server, by its own account. */
export type Audit = {
  /** For `startKubeApi`. */
  readonly flags: readonly string[];
  /** What a user has written so far: `update /apis/…`, and when the request came, RFC 3339. */
  writesOf(user: string): Promise<readonly { readonly what: string; readonly at: string }[]>;
};

const policy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', verbs: ['create', 'update', 'patch', 'delete'] }],
};

export async function auditedWrites(t: Pick<Scope, 'teardown'>): Promise<Audit> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-audit-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const [policyFile, logFile] = [join(directory, 'policy.json'), join(directory, 'audit.log')];
  await writeFile(policyFile, JSON.stringify(policy));
  return {
    flags: [`--audit-policy-file=${policyFile}`, `--audit-log-path=${logFile}`],
    async writesOf(user) {
      const lines = (await readFile(logFile, 'utf8')).split('\n').filter(Boolean);
      return lines
        .map((line) => JSON.parse(line))
        .filter((entry) => entry.user.username === user)
        .map(({ verb, requestURI, requestReceivedTimestamp: at }) => ({
          what: `${verb} ${requestURI}`,
          at,
        }));
    },
  };
}

/** A user of its own who may do everything; for telling operators apart. */
export async function createAdministrator(
  kube: KubeApi,
  name: string,
): Promise<{ readonly user: string; readonly kubeconfig: string }> {
  await kube.kubectl('create', 'serviceaccount', name, '--namespace', operatorNamespace);
  const account = `--serviceaccount=${operatorNamespace}:${name}`;
  await kube.kubectl('create', 'clusterrolebinding', name, '--clusterrole=cluster-admin', account);
  return {
    user: `system:serviceaccount:${operatorNamespace}:${name}`,
    kubeconfig: await kube.kubeconfigOf(operatorNamespace, name),
  };
}
