import type { Subjects } from '../contracts/subjects.ts';

/** Who speaks to NATS, and so what it may do there. */
export type NatsRole =
  /** Leads the log, reads all of it, hears acknowledgements. */
  | { readonly is: 'operator' }
  /** Follows the configuration of one pool, and acknowledges for its pods. */
  | { readonly is: 'pool'; readonly pool: string }
  /** Reads the log and the acknowledgements. */
  | { readonly is: 'reader' };

export type NatsPermissions = {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
};

/** Where guests find what passes the wall of event-log/nats-accounts.ts. */
export const guestApiPrefix = '_HEADGATE_API';
export const defaultApiPrefix = '$JS.API';

/** The prefix of the user's inboxes; it may subscribe to nothing else. */
export function inboxPrefixOf({ inboxes }: Subjects, role: NatsRole): string {
  return role.is === 'pool' ? inboxes.pool(role.pool) : inboxes[role.is];
}

/** The least with which our event log works in each role. */
export function permissionsOf(
  subjects: Subjects,
  role: NatsRole,
  apiPrefix = defaultApiPrefix,
): NatsPermissions {
  const { stream, ackStream, streamSubjects } = subjects;
  const subscribe = [`${inboxPrefixOf(subjects, role)}.>`];
  switch (role.is) {
    case 'operator':
      return {
        publish: [
          ...streamSubjects,
          ...administration(apiPrefix, stream),
          `${apiPrefix}.STREAM.CREATE.${ackStream}`,
          ...[stream, ackStream].flatMap((name) => reading(apiPrefix, name)),
        ],
        subscribe,
      };
    case 'pool':
      return {
        publish: [
          `${apiPrefix}.STREAM.INFO.${stream}`,
          // The filter is part of the subject, and the server compares it with the request.
          `${apiPrefix}.CONSUMER.CREATE.${stream}.*.${subjects.allConfigOf(role.pool)}`,
          `${apiPrefix}.CONSUMER.INFO.${stream}.*`,
          `$JS.FC.${stream}.>`,
          subjects.acksOf(role.pool),
        ],
        subscribe,
      };
    case 'reader':
      return {
        publish: [stream, ackStream].flatMap((name) => reading(apiPrefix, name)),
        subscribe,
      };
  }
}

function administration(apiPrefix: string, stream: string): readonly string[] {
  return [
    `${apiPrefix}.STREAM.CREATE.${stream}`,
    `${apiPrefix}.STREAM.UPDATE.${stream}`,
    `${apiPrefix}.STREAM.PURGE.${stream}`,
    `${apiPrefix}.STREAM.MSG.GET.${stream}`,
  ];
}

/** A look at the stream, consumers with any filter, and the answers that flow control wants. */
function reading(apiPrefix: string, stream: string): readonly string[] {
  return [
    `${apiPrefix}.STREAM.INFO.${stream}`,
    `${apiPrefix}.CONSUMER.CREATE.${stream}`,
    `${apiPrefix}.CONSUMER.CREATE.${stream}.>`,
    `${apiPrefix}.CONSUMER.INFO.${stream}.*`,
    `$JS.FC.${stream}.>`,
  ];
}
