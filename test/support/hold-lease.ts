import { openKubernetesApi } from '../../operator/kubernetes/api-client.ts';
import { accessByKubeconfig } from '../../operator/kubernetes/cluster-access.ts';
import { createLeadership } from '../../operator/kubernetes/leadership.ts';
import { silentLog } from '../../runtime/log.ts';

/** Leads in a namespace, and says whenever it would write, until it has lost. */
const [, , kubeconfig = '', namespace = ''] = process.argv;
const say = (line: string) => process.stdout.write(`${line}\n`);

const api = openKubernetesApi({ access: await accessByKubeconfig(kubeconfig) });
const tenure = await createLeadership({
  api,
  namespace,
  identity: `holder/${process.pid}`,
  log: silentLog,
  timing: { durationMs: 3000, renewWithinMs: 2000, retryMs: 200 },
}).acquire(new AbortController().signal);
say('leads');

const writing = setInterval(() => {
  if (tenure.held()) say('would write');
}, 5);
tenure.lost.addEventListener('abort', () => {
  clearInterval(writing);
  say('lost');
  void api[Symbol.asyncDispose]();
});
