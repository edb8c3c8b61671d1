import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { linesOf } from '../support/lines.ts';
import { run } from '../support/run.ts';
import { createScope, type Scope } from '../support/teardowns.ts';
import { type Peer, peers, type RunningProxy, whyMissing } from './peers.ts';
import { cpuMicros, residentMegabytes } from './process-usage.ts';
import { measureReload } from './reload.ts';
import { type Measured, report } from './report.ts';
import { type LoadOptions, type LoadResult, type WorkName, workNames } from './work.ts';

// npm run bench [-- --seconds 8 --clients 16 --edits 200 --only headgate --output FILE]
const here = import.meta.dirname;
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    clients: { type: 'string', default: '16' },
    edits: { type: 'string', default: '200' },
    only: { type: 'string', multiple: true },
    output: { type: 'string', default: join(here, '../../docs/benchmarks/forward-proxy.md') },
  },
});
const seconds = Number(values.seconds);
const clients = Number(values.clients);

const chosen = peers.filter(({ name }) => values.only?.includes(name) ?? true);
const missing = chosen.flatMap((peer) => {
  const why = whyMissing(peer);
  return why === null ? [] : [[peer.name, why] as const];
});
const present = chosen.filter(({ name }) => !missing.some(([absent]) => absent === name));

const [loadBefore = 0] = loadavg();
const whole = createScope();
const originPort = await startOrigin(whole);
const measured: Measured[] = [];
for (const peer of present) measured.push(...(await measurePeer(peer)));
say('reload …');
const reloadMs = await measureReload(whole, originPort, Number(values.edits));
await whole.close();

const page = report({
  date: new Date().toISOString().slice(0, 10),
  loadBefore,
  clients,
  seconds,
  versions: present
    .filter(({ name }) => !name.includes(' '))
    .map((peer) => [peer.name, peer.version()]),
  missing,
  measured,
  reloadMs,
});
await writeFile(values.output, page);
process.stdout.write(page);

async function measurePeer(peer: Peer): Promise<Measured[]> {
  const results: Measured[] = [];
  for (const work of workNames) {
    // A process of its own for each figure: memory is then of this work alone.
    const scope = createScope();
    const proxy = await peer.start(scope);
    say(`${peer.name}: ${work} …`);
    const result = await measure(proxy, work);
    results.push({ peer: peer.name, work, ...result });
    await scope.close();
  }
  return results;
}

async function measure({ port, pid }: RunningProxy, work: WorkName) {
  const options = { work, proxyPort: port, originPort, clients };
  await load({ ...options, seconds: Math.min(2, seconds) });
  const beforeMicros = cpuMicros(pid);
  const result = await load({ ...options, seconds });
  return {
    ...result,
    cpuMicros: cpuMicros(pid) - beforeMicros,
    residentMegabytes: residentMegabytes(pid),
  };
}

async function load(options: LoadOptions): Promise<LoadResult> {
  const { stdout, stderr, code } = await run(process.execPath, [
    join(here, 'load.ts'),
    JSON.stringify(options),
  ]);
  if (code !== 0) throw new Error(`the load generator failed: ${stderr}`);
  return JSON.parse(stdout);
}

async function startOrigin(scope: Scope): Promise<number> {
  const child = spawn(process.execPath, [join(here, 'origin.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  scope.teardown(() => child.kill());
  return Number(await linesOf(child.stdout).next(() => true));
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
