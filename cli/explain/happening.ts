import { isRecord } from '../../contracts/json.ts';
import { type ConfigOf, factsOf, type Kind } from '../../contracts/kinds/all-kinds.ts';
import { parseKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { Subjects } from '../../contracts/subjects.ts';
import { matchSubjects } from '../../event-log/entry.ts';
import type { LogEntry } from '../../event-log/event-log.ts';

/** One thing the log says about a resource. */
export type Happening = {
  readonly key: ResourceKey;
  readonly sequence: number;
  readonly time: string;
  /** The pool's token in subjects. */
  readonly pool: string;
  readonly subject: string;
  /** Whether pods act upon it. */
  readonly isConfig: boolean;
  /** `ForwardProxyConfigured`, or its type on the wire where this program does not know it. */
  readonly event: string;
  readonly uid: string | null;
  readonly generation: number | null;
  /** A field manager, or a file. */
  readonly by: string | null;
  readonly content: Content;
};

export type Content =
  | { readonly is: 'configured'; readonly config: ConfigOf<Kind> }
  | { readonly is: 'removed' }
  | { readonly is: 'refused'; readonly reason: string; readonly message: string }
  /** Written by a newer operator than this program. */
  | { readonly is: 'unknown' };

/** `null`: it is about no resource. */
export function happeningIn(entry: LogEntry, subjects: Subjects): Happening | null {
  const { sequence, subject, event } = entry;
  const key = parseKey(event.subject);
  if (key === null || subjects.resourceIn(subject) !== subjects.resourceOf(key)) return null;
  const data = isRecord(event.data) ? event.data : {};
  const { uid, generation, cause } = data;
  const content = contentOf(key.kind, event.data);
  return {
    key,
    sequence,
    time: event.time,
    pool: subjects.poolOf(subject),
    subject,
    isConfig: matchSubjects([subjects.allConfig])(subject),
    event: content.is === 'unknown' ? event.type : String(data['type']),
    uid: typeof uid === 'string' ? uid : null,
    generation: typeof generation === 'number' ? generation : null,
    by: typeof cause === 'string' ? cause : null,
    content,
  };
}

function contentOf(kind: Kind, data: unknown): Content {
  const { isEvent, evolve, initialState, lastGood } = factsOf(kind);
  if (!isEvent(data)) return { is: 'unknown' };
  const state = evolve(initialState, data);
  switch (state.status) {
    case 'absent':
      return { is: 'removed' };
    case 'rejected':
      return { is: 'refused', reason: state.reason, message: state.message };
    case 'serving': {
      const config = lastGood(state)?.config;
      return config === undefined ? { is: 'unknown' } : { is: 'configured', config };
    }
  }
}
