import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { App, Yaml } from 'cdk8s';
import { parseAllDocuments } from 'yaml';
import { Headgate } from '../../cdk8s/constructs.ts';
import type { HeadgateProps } from '../../cdk8s/install.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { fileScope } from '../support/scope.ts';

const shared = fileScope();
const started = startKubeApi(shared);

const manifest = (file: string) => join(import.meta.dirname, '../../cdk8s/manifests', file);
const serverSide = ['apply', '--server-side', '--validate=strict', '--filename'];

test('the manifests apply without a warning, and applying them again changes nothing', async (t) => {
  const api = await started;
  for (const file of ['headgate.yaml', 'headgate-external-nats.yaml'].map(manifest)) {
    const first = await api.tryKubectl([...serverSide, file]);
    await api.kubectl('wait', '--for=condition=Established', 'crd', '--all');
    const before = await versions(api, file);
    const second = await api.tryKubectl([...serverSide, file]);

    t.deepEqual([first.code, first.stderr], [0, '']);
    t.deepEqual([second.code, second.stderr], [0, '']);
    t.deepEqual(await versions(api, file), before);
    t.true(before.length > 10);
  }
});

const installs: Readonly<Record<string, HeadgateProps>> = {
  'the one for trying out': {},
  'one with a volume': { nats: { embedded: { storage: { size: '2Gi', className: 'fast' } } } },
  'one with a NATS of its own, narrow rights and everything said': {
    nats: { url: 'tls://nats-0.example.com:4222,tls://nats-1.example.com:4222', replicas: 3 },
    image: 'registry.example.com/headgate@sha256:0123',
    replicas: 3,
    secretNamespaces: ['default'],
    pools: { edge: { replicas: 0, workers: 4, resources: { limits: { memory: '1Gi' } } } },
    logName: 'shop',
    logMaxBytes: 1 << 30,
    keepUnusedPoolsSeconds: 60,
    logLevel: 'debug',
    adopt: true,
  },
};

for (const [index, [title, props]] of Object.entries(installs).entries()) {
  test(`every pod of an installation may run where nothing is privileged: ${title}`, async (t) => {
    const api = await started;
    const namespace = `restricted-${index}`;
    const chart = new Headgate(new App(), 'headgate', { ...props, namespace });
    const objects = chart.toJson();
    const yaml = Yaml.stringify(...objects);
    const applied = await api.tryKubectl([...serverSide, '-'], { stdin: yaml });

    const templates = objects.filter(({ spec }) => spec?.template !== undefined);
    const created = await Promise.all(
      templates.map((object) => {
        const { template } = object.spec;
        const metadata = { ...object.metadata, labels: template.metadata.labels };
        const volumes = [...(template.spec.volumes ?? []), ...claimedVolumes(object)];
        const spec = { ...template.spec, volumes };
        const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec };
        return api.tryKubectl(['create', '--dry-run=server', '-f', '-'], {
          stdin: JSON.stringify(pod),
        });
      }),
    );

    t.deepEqual([applied.code, applied.stderr], [0, '']);
    t.true(created.length > 0);
    for (const { code, stderr } of created) t.deepEqual([code, stderr], [0, '']);
  });
}

test('a pod that wants more than its image gets no place beside the operator', async (t) => {
  const api = await started;
  const namespace = 'restricted-for-all';
  const chart = new Headgate(new App(), 'headgate', { namespace });
  await api.apply(Yaml.stringify(...chart.toJson()));

  const run = ['run', 'greedy', '--image=greedy', '--dry-run=server'];
  const { stderr } = await api.tryKubectl([...run, `--namespace=${namespace}`]);

  t.regex(stderr, /violates PodSecurity "restricted/);
});

test('what the manifest brought, deleting it takes away', async (t) => {
  const api = await startKubeApi(t, { controllers: true });
  const file = manifest('headgate.yaml');
  await api.kubectl(...serverSide, file);
  await api.kubectl('wait', '--for=condition=Established', 'crd', '--all');
  const brought = await everythingOfHeadgate(api);

  await api.kubectl('delete', '--timeout=90s', '--filename', file);

  t.true(brought.length > 10);
  t.deepEqual(await everythingOfHeadgate(api), []);
});

test('the definitions in the manifest are those of crds/', async (t) => {
  const documents = parseAllDocuments(await readFile(manifest('headgate.yaml'), 'utf8'));
  const [definition] = documents
    .map((document) => document.toJS())
    .filter(({ kind }) => kind === 'CustomResourceDefinition');

  const crd = join(import.meta.dirname, '../../crds/forward-proxy.yaml');
  const [written] = parseAllDocuments(await readFile(crd, 'utf8'));
  t.deepEqual(definition, written?.toJS());
});

/** Each object of a manifest with the version the API server has of it. */
async function versions(api: KubeApi, file: string): Promise<readonly string[]> {
  const paths = ['kind', 'metadata.name', 'metadata.resourceVersion'].map((path) => `{.${path}}`);
  const template = `{range .items[*]}${paths.join(' ')}{"\\n"}{end}`;
  const printed = await api.kubectl('get', '--filename', file, '-o', `jsonpath=${template}`);
  return printed.trim().split('\n');
}

/** Names of all that is called after it, of the kinds that an installation consists of. */
async function everythingOfHeadgate(api: KubeApi): Promise<readonly string[]> {
  const kinds = [
    ...['namespaces', 'customresourcedefinitions', 'clusterroles', 'clusterrolebindings', 'roles'],
    ...['rolebindings', 'serviceaccounts', 'configmaps', 'deployments', 'statefulsets', 'services'],
    ...['networkpolicies', 'poddisruptionbudgets', 'secrets', 'persistentvolumeclaims'],
  ];
  const printed = await api.kubectl('get', kinds.join(','), '--all-namespaces', '-o', 'name');
  return printed.split('\n').filter((name) => name.includes('headgate'));
}

type Claiming = {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly volumeClaimTemplates?: readonly Claim[] };
};
type Claim = { readonly metadata: { readonly name: string } };

/** What the StatefulSet controller adds to the volumes of a pod. */
function claimedVolumes({ metadata, spec }: Claiming): readonly unknown[] {
  return (spec?.volumeClaimTemplates ?? []).map((claim) => ({
    name: claim.metadata.name,
    persistentVolumeClaim: { claimName: `${claim.metadata.name}-${metadata.name}-0` },
  }));
}
