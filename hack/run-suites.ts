import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { add, describe, noTests, reports, skippedTitles, type Tally, tally } from './tally.ts';

const root = join(import.meta.dirname, '..');
const longestSuiteMs = 25 * 60_000;
const logs = join(root, '.cache/test');

/** A check counts as one test; a suite is ava's, and counts its own. */
type Suite = {
  readonly name: string;
  readonly command: readonly string[];
  readonly isAva: boolean;
  readonly env?: Readonly<Record<string, string>>;
};

const check = (name: string, ...command: readonly string[]): Suite => ({
  name,
  command,
  isAva: false,
});

const ring = (name: string, args: readonly string[], env: Record<string, string> = {}): Suite => ({
  name,
  command: ['npx', '--no-install', 'ava', ...args],
  isAva: true,
  env,
});

// Two at a time: e2e tests start processes of their own, and CI has two cores.
const integration = ['--config', 'integration.config.js', '--concurrency', '2', '--timeout', '5m'];
const oneByOne = ['--config', 'integration.config.js', '--concurrency', '1', '--timeout', '10m'];

const suites: readonly Suite[] = [
  check('lint', 'npx', '--no-install', 'biome', 'ci', '.'),
  check('types', 'npx', '--no-install', 'tsc'),
  check('generated', 'node', 'hack/generate.ts', '--check'),
  ring('unit', ['--timeout', '2m']),
  ring('integration', [...integration, 'test/integration/**/*.test.ts']),
  ring('e2e', [...integration, 'test/e2e/**/*.test.ts']),
  // Serving threads share listeners, limits and counters: all that serves is tested with two as well.
  ring(
    'two-workers',
    [...integration, 'test/e2e/**/*.test.ts', 'test/integration/!(jetstream)*.test.ts'],
    { HEADGATE_TEST_WORKERS: '2' },
  ),
  // Each file has an API server of its own.
  ring('kubernetes', [...integration, 'test/kubernetes/!(resilience-*|sealed|status).test.ts']),
  // Each test has a control plane of its own, with everything that is in one: two at a time.
  ring('resilience', [
    ...integration,
    '--serial',
    'test/kubernetes/{resilience-*,sealed,status}.test.ts',
  ]),
  // All tests share one cluster, and some of them kill parts of it: one file at a time.
  ring('cluster', [...oneByOne, 'test/cluster/**/*.test.ts']),
];

// biome-ignore lint/style/noProcessEnv: what hack/test found out
const lacking = (process.env['HEADGATE_LACKING'] ?? '').split(' ');
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  const names = suites.map(({ name }) => name).join(', ');
  process.stderr.write(`no suite ${unknown.join(', ')}; there are ${names}\n`);
  process.exit(2);
}

let running: number | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    endGroup(running);
    process.exit(130);
  });
}

await mkdir(logs, { recursive: true });
let total = noTests;
for (const suite of suites) {
  if (wanted.length > 0 && !wanted.includes(suite.name)) continue;
  const run = lacking.includes(suite.name) ? skipSuite : runSuite;
  total = add(total, await run(suite));
}
process.stdout.write(`\n${describe(total)}\n`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** `hack/test` has said what is missing. */
async function skipSuite({ name }: Suite): Promise<Tally> {
  process.stdout.write(`${name} …\n  skipped: what it needs is not on this machine, see above\n`);
  return { ...noTests, skipped: 1 };
}

async function runSuite(suite: Suite): Promise<Tally> {
  const { name, isAva } = suite;
  process.stdout.write(`${name} …\n`);
  const startedMs = performance.now();
  const { code, stdout, stderr } = await runCommand(suite);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);

  const counted = isAva ? tally(stdout) : noTests;
  const result = add(counted, verdictOfExit(code, suite, counted));
  if (result.failed > 0) {
    const shown = isAva ? logsOfFailures(stdout) + reports(stdout) : stdout;
    process.stdout.write(`${shown || stdout}\n${stderr}\n`);
  }
  for (const title of skippedTitles(stdout)) process.stdout.write(`  skipped: ${title}\n`);
  process.stdout.write(`  ${describe(result)} in ${seconds} s (.cache/test/${name}.log)\n`);
  return result;
}

/** A check is its exit code. A suite that failed without a failed test, or ran no test, is a failure too. */
function verdictOfExit(code: number | null, { isAva }: Suite, counted: Tally): Tally {
  if (!isAva) return { ...noTests, ...(code === 0 ? { passed: 1 } : { failed: 1 }) };
  const ranNothing = counted.passed + counted.failed === 0;
  const failedUnseen = code !== 0 && counted.failed === 0;
  return { ...noTests, failed: ranNothing || failedUnseen ? 1 : 0 };
}

/** What failed tests logged stands below their line in the list, not in their reports. */
function logsOfFailures(stdout: string): string {
  const found = stdout.match(/^\s*[✘✖×] .*\n(?:\s+(?!\s*[✔√✘✖×─-] ).*\n)*/gm);
  return found === null ? '' : `${found.join('')}\n`;
}

async function runCommand({ name, command, env = {} }: Suite) {
  const [program = '', ...args] = command;
  const log = createWriteStream(join(logs, `${name}.log`));
  const child = spawn(program, args, {
    cwd: root,
    // biome-ignore lint/style/noProcessEnv: handed on, not read
    env: { ...process.env, FORCE_COLOR: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: whatever a crashed suite leaves behind ends with it, and holds up nobody.
    detached: true,
  });
  running = child.pid;
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
      log.write(text);
    });
  }
  const overdue = setTimeout(() => {
    output.stderr += `${name} was ended: it took more than ${longestSuiteMs / 60_000} minutes\n`;
    endGroup(child.pid);
  }, longestSuiteMs);
  child.once('exit', () => endGroup(child.pid));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearTimeout(overdue);
  log.end();
  return { code, ...output };
}

function endGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, 'SIGKILL');
  } catch {
    // Nobody is left in it: the usual case.
  }
}
