import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { stringify } from 'yaml';
import { childEnvironment } from './environment.ts';
import { linesOf } from './lines.ts';
import { freePort } from './ports.ts';
import { type Finished, run } from './run.ts';
import type { Scope } from './teardowns.ts';

export type Sample = {
  readonly labels: Readonly<Record<string, string>>;
  /** `NaN` where nothing could be computed. */
  readonly value: number;
};

export type RuleHealth = {
  readonly name: string;
  /** `ok`, `err` or `unknown`: not evaluated yet. */
  readonly health: string;
  readonly state: 'inactive' | 'pending' | 'firing';
  readonly lastError?: string;
};

export type Prometheus = {
  readonly url: string;
  /** What an instant query answers; throws what Prometheus says is wrong with it. */
  query(query: string, at?: Date): Promise<readonly Sample[]>;
  /** Every alert rule it was given. */
  rules(): Promise<readonly RuleHealth[]>;
};

export type PrometheusOptions = {
  /** `host:port` of what shows `/metrics`; scraped once a second. */
  readonly targets: readonly string[];
  /** The `groups` of a rules file. */
  readonly rules?: unknown;
};

/** Debian's package `prometheus` brings both programs. `null`: it is not installed. */
export function findProgram(name: 'prometheus' | 'promtool'): string | null {
  const folders = (childEnvironment()['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? null;
}

/** A real Prometheus of its own, on loopback; gone with the test. */
export async function startPrometheus(
  t: Scope,
  { targets, rules = { groups: [] } }: PrometheusOptions,
): Promise<Prometheus> {
  const program = findProgram('prometheus');
  if (program === null) throw new Error('no prometheus: apt-get install prometheus');
  const directory = await mkdtemp(join(tmpdir(), 'headgate-prometheus-'));
  const address = `127.0.0.1:${await freePort()}`;
  await writeFile(join(directory, 'rules.yaml'), stringify(rules));
  await writeFile(
    join(directory, 'prometheus.yaml'),
    stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yaml'],
      scrape_configs: [{ job_name: 'headgate', static_configs: [{ targets: [...targets] }] }],
    }),
  );
  const child = spawn(
    program,
    [
      `--config.file=${join(directory, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: childEnvironment() },
  );
  const exited = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  });
  await linesOf(child.stderr).next((line) => line.includes('ready to receive web requests'));
  return clientOf(`http://${address}`);
}

function clientOf(url: string): Prometheus {
  async function get(path: string): Promise<Answer['data']> {
    const response = await fetch(`${url}/api/v1/${path}`);
    const answer = (await response.json()) as Answer; // its API is stable
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  }

  return {
    url,
    async query(query, at = new Date()) {
      const time = String(at.getTime() / 1000);
      const { result } = await get(`query?${new URLSearchParams({ query, time })}`);
      return result.map(({ metric, value: [, value] }) => ({
        labels: metric,
        value: Number(value),
      }));
    },
    async rules() {
      const { groups } = await get('rules?type=alert');
      return groups.flatMap((group) => group.rules);
    },
  };
}

type Answer = {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: ReadonlyArray<{
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [number, string];
    }>;
    readonly groups: ReadonlyArray<{ readonly rules: readonly RuleHealth[] }>;
  };
};

/** Runs `promtool ARGS…` in a directory that holds these files. */
export async function runPromtool(
  t: Scope,
  files: Readonly<Record<string, unknown>>,
  ...args: readonly string[]
): Promise<Finished> {
  const program = findProgram('promtool');
  if (program === null) throw new Error('no promtool: apt-get install prometheus');
  const cwd = await mkdtemp(join(tmpdir(), 'headgate-promtool-'));
  t.teardown(() => rm(cwd, { recursive: true, force: true }));
  for (const [file, content] of Object.entries(files)) {
    await writeFile(join(cwd, file), stringify(content));
  }
  return await run(program, args, { cwd });
}
