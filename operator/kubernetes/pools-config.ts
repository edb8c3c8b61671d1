import { parse } from 'yaml';
import { isRecord, isStringArray, type JsonRecord } from '../../contracts/json.ts';
import { logLevels } from '../../contracts/log-level.ts';
import type { Refusal } from '../kinds/decider.ts';
import { suggest } from '../schema/suggest.ts';

/** How the pods of one pool run, and whose resources they serve. */
export type PoolSettings = {
  /** `null`: somebody else decides, such as a HorizontalPodAutoscaler. */
  readonly replicas: number | null;
  /** Whose resources may be in it; `*` is everybody. */
  readonly namespaces: readonly string[];
  /** Serving threads of each pod. */
  readonly workers: number;
  /** `resources` of the container, as Kubernetes has them. */
  readonly resources: JsonRecord;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly JsonRecord[];
  readonly podAnnotations: Readonly<Record<string, string>>;
  readonly priorityClassName: string | null;
  /** A path in the pod; `-` is standard output. */
  readonly accessLog: string;
  readonly logLevel: string;
};

/** Pool → how it runs. */
export type PoolsConfig = ReadonlyMap<string, PoolSettings>;

export const defaultPool: PoolSettings = {
  replicas: 2,
  namespaces: ['*'],
  workers: 1,
  resources: { requests: { cpu: '100m', memory: '128Mi' } },
  nodeSelector: {},
  tolerations: [],
  podAnnotations: {},
  priorityClassName: null,
  accessLog: '-',
  logLevel: 'info',
};

/** Where nobody says anything about pools: one, for everybody. */
export const noPoolsConfig: PoolsConfig = new Map([['default', defaultPool]]);

/** Says which field is wrong, and what would be right. */
export class PoolsConfigInvalid extends Error {
  override readonly name = 'PoolsConfigInvalid';
}

/** Reads `pools.yaml`. Throws {@link PoolsConfigInvalid}, all problems in one message. */
export function parsePoolsConfig(text: string): PoolsConfig {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 20 });
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new PoolsConfigInvalid(`it is not YAML: ${problem}`, { cause });
  }
  const problems: string[] = [];
  const root = record(value, '', ['pools'], problems);
  const pools = record(root['pools'] ?? {}, 'pools', null, problems);
  const entries = Object.entries(pools).map(([name, pool]): [string, PoolSettings] => {
    if (!dnsLabel.test(name)) problems.push(`pools: "${name}" is not a name such as team-a`);
    return [name, poolSettings(pool, `pools.${name}`, problems)];
  });
  if (entries.length === 0) problems.push('pools: there has to be one pool at least');
  if (problems.length > 0) throw new PoolsConfigInvalid(problems.join('; '));
  return new Map(entries);
}

/** Why a resource of this namespace may not be in this pool; `null`: it may. */
export function refuseInPool(pools: PoolsConfig, pool: string, namespace: string): Refusal | null {
  const settings = pools.get(pool);
  if (settings === undefined) {
    const known = [...pools.keys()].sort().join(', ');
    return { reason: 'PoolNotFound', message: `there is no pool "${pool}"; there is ${known}` };
  }
  const { namespaces } = settings;
  if (namespaces.includes('*') || namespaces.includes(namespace)) return null;
  const message = `pool "${pool}" does not take resources of namespace ${namespace}; its administrator can allow it`;
  return { reason: 'PoolNotAllowed', message };
}

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

type Check = {
  readonly isRight: (value: unknown) => boolean;
  readonly expected: string;
};

const checks: { readonly [Field in keyof PoolSettings]: Check } = {
  replicas: {
    isRight: (value) => value === null || isWithin(value, 0, 1000),
    expected: 'a number from 0 to 1000, or null to leave it to an autoscaler',
  },
  namespaces: {
    isRight: (value) =>
      isStringArray(value) &&
      value.length > 0 &&
      value.every((name) => name === '*' || dnsLabel.test(name)),
    expected: 'a list of namespaces, or ["*"] for all',
  },
  workers: { isRight: (value) => isWithin(value, 1, 256), expected: 'a number from 1 to 256' },
  resources: {
    isRight: (value) =>
      isRecord(value) &&
      Object.entries(value).every(
        ([name, amounts]) => ['requests', 'limits'].includes(name) && isRecord(amounts),
      ),
    expected: 'requests and limits, as in a container',
  },
  nodeSelector: { isRight: isTexts, expected: 'labels, each with a text' },
  tolerations: {
    isRight: (value) => Array.isArray(value) && value.every(isRecord),
    expected: 'a list of tolerations, as in a pod',
  },
  podAnnotations: { isRight: isTexts, expected: 'annotations, each with a text: use quotes' },
  priorityClassName: {
    isRight: (value) => value === null || (typeof value === 'string' && value !== ''),
    expected: 'the name of a PriorityClass',
  },
  accessLog: {
    isRight: (value) => value === '-' || (typeof value === 'string' && value.startsWith('/')),
    expected: '- for standard output, or a path',
  },
  logLevel: {
    isRight: (value) => logLevels.some((level) => level === value),
    expected: `one of ${logLevels.join(', ')}`,
  },
};

function poolSettings(value: unknown, where: string, problems: string[]): PoolSettings {
  const fields = record(value ?? {}, where, Object.keys(checks), problems);
  for (const [field, { isRight, expected }] of Object.entries(checks)) {
    const given = fields[field];
    if (given === undefined || isRight(given)) continue;
    problems.push(`${where}.${field}: ${JSON.stringify(given)} is not ${expected}`);
  }
  // Each field was checked above to be what the type says.
  return { ...defaultPool, ...(fields as Partial<PoolSettings>) };
}

function record(
  value: unknown,
  where: string,
  known: readonly string[] | null,
  problems: string[],
): JsonRecord {
  const place = where === '' ? 'the document' : where;
  if (!isRecord(value)) {
    problems.push(`${place}: must be a mapping`);
    return {};
  }
  for (const field of Object.keys(value)) {
    if (known === null || known.includes(field)) continue;
    const meant = suggest(field, known);
    const hint = meant === null ? '' : `; did you mean "${meant}"?`;
    problems.push(`${place}: "${field}" is not a known field${hint}`);
  }
  return value;
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function isTexts(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((text) => typeof text === 'string');
}
