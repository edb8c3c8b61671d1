/**
 * Headgate and the proxies of two teams, as one cdk8s app. `node cdk8s/example/main.ts` writes `dist/`;
 * commit that, and let Argo CD or Flux apply it.
 */
import { ApiObject, App, Chart } from 'cdk8s';
// In a repository of your own this is `headgate/cdk8s`.
import { ForwardProxy, type ForwardProxyProps, Headgate } from '../constructs.ts';

const app = new App();

const headgate = new Headgate(app, 'headgate', {
  image: 'registry.example.com/headgate:0.1.0',
  nats: { url: 'tls://nats.nats:4222', replicas: 3 },
  pools: {
    default: { replicas: 2, namespaces: ['*'] },
    builds: { replicas: 4, workers: 2, namespaces: ['team-builds'] },
  },
});

/** What every team gets: a deny list of the company, and its own allow list in front of it. */
function teamProxy(team: string, hosts: readonly string[], spec: Partial<Spec> = {}): void {
  const chart = new Chart(app, team, { namespace: team });
  chart.addDependency(headgate);
  new ApiObject(chart, 'namespace', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: team },
  });
  new ForwardProxy(chart, 'egress', {
    metadata: { name: 'egress' },
    spec: {
      listeners: [{ name: 'all', port: 3128 }],
      egress: {
        defaultAction: 'Deny',
        rules: [
          { name: 'no-paste-sites', action: 'Deny', hosts: ['pastebin.com', '*.pastebin.com'] },
          { name: 'team', action: 'Allow', hosts, ports: [443] },
        ],
      },
      ...spec,
    },
  });
}

type Spec = ForwardProxyProps['spec'];

teamProxy('team-web', ['api.stripe.com', '*.googleapis.com']);
teamProxy('team-builds', ['registry.npmjs.org', '*.pythonhosted.org'], {
  pool: 'builds',
  limits: { connections: 5000, tunnels: 5000 },
});

app.synth();
