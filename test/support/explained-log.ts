import type { Acknowledgement } from '../../contracts/acknowledgement.ts';
import { allKinds } from '../../contracts/kinds/all-kinds.ts';
import type { ForwardProxyConfig } from '../../contracts/kinds/forward-proxy/config.ts';
import { formatKey } from '../../contracts/resource-key.ts';
import { createSubjects } from '../../contracts/subjects.ts';
import { tableDigest } from '../../dataplane/desired-state/table-digest.ts';
import type { EventLog, NewEntry } from '../../event-log/event-log.ts';
import { keyOf, makeEvent } from './events.ts';
import { forwardProxyConfig } from './forward-proxy-config.ts';

const subjects = createSubjects();
type Type = keyof typeof allKinds.ForwardProxy.eventTypes;

type Family = 'config' | 'journal';

function entry([family, pool]: readonly [Family, string], name: string, type: Type, data: object) {
  const key = keyOf(name);
  return {
    subject: subjects[family](pool, key),
    event: {
      ...makeEvent({ type, uid: `uid of ${name}`, ...data }),
      type: allKinds.ForwardProxy.eventTypes[type],
      subject: formatKey(key),
    },
  };
}

const decided = (generation: number) => ({
  generation,
  specDigest: '',
  inputs: String(generation),
  cause: 'kubectl',
});

/** What an operator writes about `team-a/<name>`. */
export function configured(
  name: string,
  generation: number,
  config: ForwardProxyConfig = forwardProxyConfig(),
): NewEntry {
  const data = { ...decided(generation), config };
  return entry(['config', config.pool], name, 'ForwardProxyConfigured', data);
}

export function rejected(name: string, generation: number, message = 'too big'): NewEntry {
  const data = { ...decided(generation), reason: 'TooLarge', message };
  return entry(['journal', 'default'], name, 'ForwardProxyRejected', data);
}

export function removed(name: string, pool = 'default'): NewEntry {
  return entry(['config', pool], name, 'ForwardProxyRemoved', {});
}

export type WrittenLog = { readonly logId: string; readonly sequences: readonly number[] };

/** Leads a new log and appends these, each for itself. */
export async function writtenLog(log: EventLog, entries: readonly NewEntry[]): Promise<WrittenLog> {
  const leader = await log.lead('test');
  const sequences: number[] = [];
  for (const each of entries) sequences.push(...(await leader.append([each])));
  return { logId: leader.logId, sequences };
}

/** What a pod says that serves `runs` (`team-a/<name>` → sequence); by default `egress` alone, as applied. */
export function spoken(
  instance: string,
  { logId }: WrittenLog,
  {
    applied = 0,
    runs = { egress: applied },
    ...more
  }: Partial<Acknowledgement> & { readonly runs?: Readonly<Record<string, number>> } = {},
): Acknowledgement {
  const table = Object.entries(runs).map(([name, sequence]) => {
    return [formatKey(keyOf(name)), sequence] as const;
  });
  return {
    ...{ instance, pool: 'default', logId, applied, digest: tableDigest(new Map(table)) },
    ...{ refusals: [], refusalCount: 0, eventTypes: [], keyIds: ['k1'], draining: false },
    ...more,
  };
}
