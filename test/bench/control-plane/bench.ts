import { readFile, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isRecord } from '../../../contracts/json.ts';
import { headgateNamespace } from '../../support/installed.ts';
import { createScope } from '../../support/teardowns.ts';
import { measureEdits, startChurn } from './edits.ts';
import { startInstallation } from './installation.ts';
import { observe } from './observer.ts';
import { measurePodStart, type PodStart } from './pod-start.ts';
import { benchNamespace, collection, forwardProxy, probe } from './proxies.ts';
import { type EditRun, report } from './report.ts';
import { type Creation, type Memory, measureCreation, measureMemory } from './scale.ts';

// npm run bench:control-plane [-- --few 1000 --many 10000 --edits 100 --churn 50 --cluster bench --output FILE]
const { values } = parseArgs({
  options: {
    few: { type: 'string', default: '1000' },
    many: { type: 'string', default: '10000' },
    edits: { type: 'string', default: '100' },
    churn: { type: 'string', default: '50' },
    cluster: { type: 'string', default: 'bench' },
    output: {
      type: 'string',
      default: join(import.meta.dirname, '../../../docs/benchmarks/control-plane.md'),
    },
  },
});
const few = Number(values.few);
const many = Number(values.many);
const edits = Number(values.edits);

const scope = createScope();
const memory: Memory[] = [];
const creations: Creation[] = [];
const editRuns: EditRun[] = [];
const starts: PodStart[] = [];
const missed: string[] = [];
let kubernetes = 'unknown';
let podCount = 0;

try {
  await measure();
} finally {
  // What was measured before something failed is worth reading too.
  const tables = page();
  process.stdout.write(tables);
  await keep(tables);
  await scope.close();
}

async function measure(): Promise<void> {
  say(`cluster ${values.cluster} with Headgate on it …`);
  const installation = await startInstallation(scope, values.cluster);
  const { api, kubectl } = installation;
  const version = await api.read('/version');
  await kubectl('create', 'namespace', benchNamespace);
  kubernetes = isRecord(version) ? String(version['gitVersion']) : 'unknown';

  const observer = await observe(scope, api);

  /** What cannot be measured is said, and the rest measured all the same. */
  async function phase(what: string, measureIt: () => Promise<unknown>): Promise<void> {
    say(`${what} …`);
    try {
      await measureIt();
    } catch (error) {
      missed.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  const remember = (resources: number) =>
    phase(`memory with ${resources} resources`, async () => {
      memory.push(await measureMemory(installation, resources));
    });

  const edit = (name: string, resources: number, perSecond: number | null) =>
    phase(`edits with ${resources} resources, ${name}`, async () => {
      const [pod = ''] = await installation.pods();
      using forwarded = await installation.forward(pod, probe.port);
      const [load = 0] = loadavg();
      const rate = { perSecond: perSecond ?? 0, resources };
      const churning = perSecond === null ? null : startChurn(installation, rate);
      const options = { installation, observer, port: forwarded.port, edits };
      const measured = await measureEdits(options).finally(() => churning?.stop());
      const churn = (await churning?.stop()) ?? null;
      editRuns.push({ name, resources, churn, edits: measured, load });
    });

  const start = (resources: number) =>
    phase(`a new pod with ${resources} resources`, async () => {
      starts.push(await measurePodStart(installation, resources));
    });

  const create = (from: number, to: number) =>
    phase(`resources ${from} to ${to}`, async () => {
      creations.push(await measureCreation(installation, observer, { from, to }));
    });

  await remember(0);
  await api.create(collection, forwardProxy(probe.name, probe.port));
  await observer.programmed(probe.name, 1, 120_000);
  const pool = ['deployment', '-l', 'app.kubernetes.io/component=dataplane'];
  await kubectl('wait', '-n', headgateNamespace, '--for=condition=Available', ...pool);
  podCount = (await installation.pods()).length;

  await remember(1);
  await edit('idle', 1, null);
  await start(1);
  await create(1, few);
  await remember(few);
  await edit('idle', few, null);
  await edit('churn', few, Number(values.churn));
  await create(few + 1, many);
  await remember(many);
  await edit('idle', many, null);
  await start(many);
}

function page(): string {
  const date = new Date().toISOString().slice(0, 10);
  return report({
    date,
    kubernetes,
    pods: podCount,
    edits: editRuns,
    creations,
    memory,
    starts,
    missed,
  });
}

/** Between its two marks the page is ours; what stands around it was written by people. */
async function keep(tables: string): Promise<void> {
  const text = await readFile(values.output, 'utf8');
  const [before = '', rest = ''] = text.split(/(?<=<!-- measured -->\n)/);
  const after = rest.slice(rest.indexOf('<!-- end -->'));
  await writeFile(values.output, `${before}\n${tables}\n${after}`);
}

function say(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}
