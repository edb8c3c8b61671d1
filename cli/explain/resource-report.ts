import type { ConfigOf, Kind } from '../../contracts/kinds/all-kinds.ts';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { Propagation } from '../../contracts/status.ts';
import { keptPerSubject } from '../../event-log/event-log.ts';
import { deciderOf } from '../../operator/kinds/all-kinds.ts';
import type { Happening } from './happening.ts';
import {
  type KnownPod,
  podCaveats,
  refusalFacts,
  runsFacts,
  silentPod,
  spokenPod,
  versionFacts,
} from './pods.ts';
import type { LogRead } from './read-log.ts';
import type { ClusterFacts, ResourceReport } from './report.ts';

export type ResourceQuestion = {
  readonly key: ResourceKey;
  /** The last sequence to look at; `null`: now. */
  readonly at: number | null;
  readonly propagation: Propagation | null;
  readonly cluster: ClusterFacts | null;
  /** Pods that a cluster knows; `null`: nobody was asked. */
  readonly knownPods: readonly KnownPod[] | null;
  /** What could not be asked. */
  readonly caveats: readonly string[];
};

type Configured = Happening & {
  readonly content: { readonly is: 'configured'; readonly config: ConfigOf<Kind> };
};

/** Which version of a resource is in force and why, and who serves it. `null`: the log knows nothing of it. */
export function explainResource(read: LogRead, question: ResourceQuestion): ResourceReport | null {
  const { key, at, cluster } = question;
  const kept = read.happenings.filter((each) => formatKey(each.key) === formatKey(key));
  if (kept.length === 0) return null;
  const history = at === null ? kept : kept.filter(({ sequence }) => sequence <= at);
  const places = placesIn(history);
  const inForce = places.at(-1) ?? null;
  const leaving = places.slice(0, -1);
  const pools = new Set(places.map(({ pool }) => pool));
  const pods = at === null ? podsOf(read, question, pools) : null;
  return {
    resource: formatKey(key),
    log: { id: read.logId, end: read.end, at },
    inForce: inForce === null ? null : inForceFacts(key.kind, inForce),
    refused: refusedIn(history, inForce),
    removed: removedIn(history, inForce),
    leaving: leaving.map(({ pool, sequence }) => ({ pool, sequence })),
    secrets: secretsOf(key.kind, inForce, read),
    pods,
    propagation: at === null ? question.propagation : null,
    cluster,
    history: history.map(historyLine),
    unknown: [
      ...question.caveats,
      ...pastUnknown(kept, history, at),
      ...podsUnknown(read, pods, pools, at),
    ],
  };
}

/** Where it is in force, the newest last: more than one while it moves between pools. */
function placesIn(history: readonly Happening[]): readonly Happening[] {
  const last = new Map<string, Happening>();
  for (const each of history) if (each.isConfig) last.set(each.subject, each);
  return [...last.values()]
    .filter(({ content }) => content.is !== 'removed')
    .sort((one, other) => one.sequence - other.sequence);
}

function isConfigured(happening: Happening | null): happening is Configured {
  return happening?.content.is === 'configured';
}

function inForceFacts(kind: Kind, inForce: Happening) {
  const facts = versionFacts(inForce);
  if (!isConfigured(inForce)) return { ...facts, pool: inForce.pool, listeners: [] };
  const { config } = inForce.content;
  const listeners = deciderOf(kind)
    .listenersOf(config)
    .map(({ listener, address, port }) => {
      const host = address.includes(':') ? `[${address}]` : address;
      return `${listener} ${host}:${port}`;
    });
  return { ...facts, pool: config.pool, listeners };
}

function refusedIn(history: readonly Happening[], inForce: Happening | null) {
  const last = history.findLast(({ isConfig }) => !isConfig) ?? null;
  if (last?.content.is !== 'refused') return null;
  const ended = inForce?.sequence ?? removedIn(history, inForce)?.sequence ?? 0;
  if (last.sequence < ended) return null;
  const { reason, message } = last.content;
  return { ...versionFacts(last), reason, message };
}

function removedIn(history: readonly Happening[], inForce: Happening | null) {
  const removal = history.findLast(({ content }) => content.is === 'removed');
  if (inForce !== null || removal === undefined) return null;
  return { sequence: removal.sequence, time: removal.time };
}

function secretsOf(kind: Kind, inForce: Happening | null, read: LogRead) {
  if (!isConfigured(inForce)) return [];
  return deciderOf(kind)
    .secretsIn(inForce.content.config)
    .map(({ namespace, name }) => {
      const secret = `${namespace}/${name}`;
      const sealed = read.sealed.find(
        (each) => each.secret === secret && each.pool === inForce.pool,
      );
      if (sealed === undefined) return { secret, sealed: null };
      const { sequence, time, keyId } = sealed;
      return { secret, sealed: { sequence, time, keyId } };
    });
}

/** Pods of the pools it is in, and those that still serve it anywhere else. */
function podsOf(
  read: LogRead,
  { key, knownPods }: ResourceQuestion,
  pools: ReadonlySet<string>,
): ResourceReport['pods'] {
  if (read.acknowledgements === null) return null;
  const id = formatKey(key);
  const isOurs = (pool: string) => pools.has(read.poolToken(pool));
  const spoken = read.acknowledgements.flatMap((acknowledgement) => {
    const { facts, table } = spokenPod(read, acknowledgement);
    const runs = table === null ? 'unknown' : runsFacts(table.runs.get(id));
    if (!isOurs(facts.pool) && (table === null || runs === 'nothing')) return [];
    return [{ ...facts, runs, refusal: refusalFacts(table?.refusals.get(id)) }];
  });
  const heard = new Set(read.acknowledgements.map(({ instance }) => instance));
  const silent = (knownPods ?? [])
    .filter(({ name, pool }) => isOurs(pool) && !heard.has(name))
    .map((pod) => ({ ...silentPod(pod), runs: 'unknown' as const, refusal: null }));
  return [...spoken, ...silent].sort((one, other) => (one.pod < other.pod ? -1 : 1));
}

function historyLine(happening: Happening): ResourceReport['history'][number] {
  const { event, pool, content } = happening;
  const { reason, message } = content.is === 'refused' ? content : { reason: null, message: null };
  return { ...versionFacts(happening), event, pool, reason, message };
}

function pastUnknown(
  kept: readonly Happening[],
  history: readonly Happening[],
  at: number | null,
): readonly string[] {
  const forgotten = forgottenBefore(kept);
  if (forgotten !== null) {
    const past = `versions before sequence ${forgotten}: the log keeps ${keptPerSubject} of a resource`;
    return at !== null && at < forgotten ? [`what was in force at ${at}`, past] : [past];
  }
  if (at === null || history.length > 0) return [];
  return [`whether there was anything before sequence ${kept[0]?.sequence}: nothing is kept of it`];
}

/** The oldest version that is kept where older ones had to go; `null`: none had to. */
function forgottenBefore(kept: readonly Happening[]): number | null {
  const configs = kept.filter(({ isConfig }) => isConfig);
  const full = Map.groupBy(configs, ({ subject }) => subject)
    .values()
    .filter(({ length }) => length >= keptPerSubject)
    .map(([oldest]) => oldest?.sequence ?? 0);
  return full.reduce<number | null>((one, other) => Math.max(one ?? 0, other), null);
}

function podsUnknown(
  read: LogRead,
  pods: ResourceReport['pods'],
  pools: ReadonlySet<string>,
  at: number | null,
): readonly string[] {
  if (at !== null) return ['what pods ran then: only their newest acknowledgement is kept'];
  if (read.acknowledgements === null) {
    return [
      'what pods run now: they acknowledge to the process of `headgate up` and to nobody else',
    ];
  }
  if (pools.size > 0 && pods?.length === 0) {
    return [`what pods run: none of pool ${[...pools].join(', ')} has spoken in the last 30 s`];
  }
  return read.acknowledgements
    .filter(({ pool }) => pools.has(read.poolToken(pool)))
    .flatMap((acknowledgement) => podCaveats(acknowledgement, read));
}
