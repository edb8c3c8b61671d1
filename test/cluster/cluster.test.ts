import test from 'ava';
import { isRecord } from '../../contracts/json.ts';
import { useCluster } from '../support/cluster.ts';

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: web
        image: headgate:0.1.0
        imagePullPolicy: Never
        args:
        - --eval
        - require('http').createServer((_, to) => to.end(require('os').hostname())).listen(8080)
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
        securityContext:
          readOnlyRootFilesystem: true
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
`;

test('a pod reaches other pods through a Service and its name, and so does a forwarded port', async (t) => {
  const cluster = await useCluster(t);
  await cluster.apply(web);
  const client = await cluster.startClientPod();

  await cluster.until(['deployment', 'web'], (deployment) => readyReplicas(deployment) === 2);
  // A node takes a moment to learn of a ready pod.
  const patiently = ['--retry', '20', '--retry-connrefused', '--retry-delay', '1'];
  const answer = await client.run('curl', '--silent', '--show-error', ...patiently, 'web');
  const port = await cluster.forward('service/web', 80);
  const forwarded = await fetch(`http://127.0.0.1:${port}`);

  t.regex(answer.stdout, /^web-/, answer.stderr);
  t.regex(await forwarded.text(), /^web-/);
});

test('the image says which version of Headgate it holds', async (t) => {
  const cluster = await useCluster(t);
  const once = ['--restart=Never', '--image=headgate:0.1.0', '--image-pull-policy=Never'];

  await cluster.kubectl('run', 'version', ...once, '--', 'dist/cli/main.js', 'version');
  await cluster.waitFor('jsonpath={.status.phase}=Succeeded', 'pod/version');

  t.regex(await cluster.kubectl('logs', 'version'), /^headgate 0\.1\.0 \(node v26\./);
});

function readyReplicas(deployment: unknown): unknown {
  const status = isRecord(deployment) ? deployment['status'] : undefined;
  return isRecord(status) ? status['readyReplicas'] : undefined;
}
