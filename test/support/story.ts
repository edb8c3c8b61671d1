import { isRecord } from '../../contracts/json.ts';
import type { LogEntry } from '../../event-log/event-log.ts';

/** What somebody did to one resource, as the API server answered. */
export type Edit =
  | {
      readonly type: 'applied';
      readonly uid: string;
      readonly generation: number;
      /** `limits.connections`, which is another in each edit. */
      readonly mark: number;
      readonly isGood: boolean;
      /** The operator has spoken of it before the next edit: so the log has to tell of it. */
      readonly wasDecided: boolean;
    }
  | { readonly type: 'deleted'; readonly uid: string };

type Told = {
  readonly what: string;
  readonly sequence: number;
  readonly uid: unknown;
  readonly generation: unknown;
  readonly inputs: unknown;
  readonly mark: unknown;
};

/**
 * Where the log differs from what was done. Edits in quick succession may be one event; but none is
 * told that was not made, none twice, none out of order, and the last one not at all is a loss.
 */
export function problemsOf(
  name: string,
  edits: readonly Edit[],
  entries: readonly LogEntry[],
): readonly string[] {
  const events = entries.flatMap((entry) => toldOf(name, entry));
  const positions = events.map((event) => edits.findIndex((edit) => speaksOf(event, edit)));
  const ofEvents = events.flatMap((event, index) => {
    const edit = edits[positions[index] ?? -1];
    const found =
      event.what === 'removed'
        ? problemsOfRemoval(event, events[index - 1], edits)
        : [...problemsOfDecision(event, edit), ...orderOf(index, events, positions)];
    return found.map((text) => `${name}: ${event.sequence} ${event.what}: ${text}`);
  });
  const untold = edits.flatMap((edit, index) =>
    edit.type === 'applied' && edit.wasDecided && !positions.includes(index)
      ? [`${name}: generation ${edit.generation} is not told of`]
      : [],
  );
  return [...ofEvents, ...untold, ...lossOf(name, edits.at(-1), events.at(-1))];
}

function speaksOf({ what, uid, generation }: Told, edit: Edit): boolean {
  const isDecision = what !== 'removed' && edit.type === 'applied';
  return isDecision && edit.uid === uid && edit.generation === generation;
}

function problemsOfRemoval(
  { uid }: Told,
  previous: Told | undefined,
  edits: readonly Edit[],
): readonly string[] {
  const isDeleted = edits.some((edit) => edit.type === 'deleted' && edit.uid === uid);
  return [
    ...(previous === undefined || previous.what === 'removed' ? ['there was nothing'] : []),
    ...(previous?.uid === uid ? [] : ['this was another one']),
    ...(isDeleted ? [] : ['nobody deleted it']),
  ];
}

function problemsOfDecision({ what, mark }: Told, edit: Edit | undefined): readonly string[] {
  if (edit?.type !== 'applied') return ['nobody wrote that'];
  const { isGood } = edit;
  if (isGood !== (what === 'configured')) return ['it should be the other'];
  return isGood && mark !== edit.mark ? [`${mark}, not ${edit.mark}`] : [];
}

function orderOf(
  index: number,
  events: readonly Told[],
  positions: readonly number[],
): readonly string[] {
  const position = positions[index] ?? -1;
  const isLate = positions.slice(0, index).some((before) => before >= position);
  const isRepeated = index > 0 && events[index - 1]?.inputs === events[index]?.inputs;
  return [...(isLate ? ['after a later one'] : []), ...(isRepeated ? ['as before'] : [])];
}

/** Whether the log has come to the end of what was done. */
export function isTold(
  name: string,
  edits: readonly Edit[],
  entries: readonly LogEntry[],
): boolean {
  const last = entries.flatMap((entry) => toldOf(name, entry)).at(-1);
  return lossOf(name, edits.at(-1), last).length === 0;
}

function lossOf(name: string, edit: Edit | undefined, event: Told | undefined): readonly string[] {
  if (edit === undefined) return [];
  if (edit.type === 'deleted') {
    // What nobody saw while it was there needs no word of its end.
    return event === undefined || event.what === 'removed' ? [] : [`${name}: it goes on`];
  }
  const isSame = event?.uid === edit.uid && event.generation === edit.generation;
  return isSame ? [] : [`${name}: generation ${edit.generation} was lost`];
}

function toldOf(name: string, { sequence, event }: LogEntry): readonly Told[] {
  const { subject, type, data } = event;
  if (subject !== name || !isRecord(data)) return [];
  const [, , , what = ''] = type.split('.');
  const { uid, generation, inputs, config } = data;
  const limits = isRecord(config) ? config['limits'] : null;
  const mark = isRecord(limits) ? limits['connections'] : null;
  return [{ what, sequence, uid, generation, inputs, mark }];
}
