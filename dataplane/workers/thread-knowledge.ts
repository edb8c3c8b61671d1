import { isDeepStrictEqual } from 'node:util';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import { socketKey } from '../reload/plan.ts';
import type { ServedResource, ServedSocket, Snapshot, SnapshotChange } from './messages.ts';

/** What a serving thread was told. */
export type ThreadKnowledge = {
  /** By uid, what it serves: `revisionOf`. */
  readonly resources: ReadonlyMap<string, string>;
  /** By `socketKey`, who takes the connections. */
  readonly sockets: ReadonlyMap<string, Pick<ServedSocket, 'uid' | 'listener' | 'others'>>;
};

export const nothingKnown: ThreadKnowledge = { resources: new Map(), sockets: new Map() };

/** Another one: there is something to tell of it. */
function revisionOf({ sequence, endpointsSequence }: ServedResource<Kind>): string {
  return `${sequence} ${endpointsSequence}`;
}

/** What it knows once it has taken `snapshot`. */
export function knowledgeOf({ resources, sockets }: Snapshot): ThreadKnowledge {
  return {
    resources: new Map(resources.map((resource) => [resource.uid, revisionOf(resource)])),
    sockets: new Map(sockets.map((socket) => [socketKey(socket), socket])),
  };
}

/**
 * From what a thread knows to `snapshot`, with a descriptor from `duplicate` for each socket that is
 * new to it. `next` is what it knows afterwards.
 */
export function changeFor(
  known: ThreadKnowledge,
  { version, resources, sockets, self }: Snapshot,
  next: ThreadKnowledge,
  duplicate: (key: string) => number | null,
): SnapshotChange {
  const closed = [...known.sockets.keys()].filter((key) => !next.sockets.has(key));
  const told = sockets.filter((socket) => {
    const before = known.sockets.get(socketKey(socket));
    const isSame = before?.uid === socket.uid && before.listener === socket.listener;
    return !isSame || !isDeepStrictEqual(before.others, socket.others);
  });
  const opened = told.some((socket) => !known.sockets.has(socketKey(socket)));
  return {
    version,
    resources: resources.filter((each) => known.resources.get(each.uid) !== revisionOf(each)),
    removed: [...known.resources.keys()].filter((uid) => !next.resources.has(uid)),
    sockets: told.map((socket) => {
      const key = socketKey(socket);
      return { ...socket, fd: known.sockets.has(key) ? null : duplicate(key) };
    }),
    closed,
    // Beside the listeners they are the same for as long as the process lives.
    self: opened || closed.length > 0 || known === nothingKnown ? self : null,
  };
}
