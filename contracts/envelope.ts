import { ProxyError } from './errors.ts';
import { isRecord } from './json.ts';

/** What surrounds an event on the wire: CloudEvents 1.0, JSON. `time` is RFC 3339 in UTC. */
export type Envelope = {
  readonly id: string;
  readonly source: string;
  /** `dev.headgate.forwardproxy.configured.v1` */
  readonly type: string;
  /** The thing the event is about: `ForwardProxy/team-a/egress`, or a pool or stream name. */
  readonly subject: string;
  readonly time: string;
  readonly data: unknown;
};

export function encodeEnvelope(envelope: Envelope): string {
  return JSON.stringify({
    specversion: '1.0',
    ...envelope,
    datacontenttype: 'application/json',
  });
}

/** Bytes from the log are `unknown` until this function says otherwise. Unknown fields are ignored. */
export function decodeEnvelope(where: string, text: string): Envelope {
  const candidate = parseJson(where, text);
  if (!isRecord(candidate)) throw malformed(where, 'not an object');

  const { id, source, type, subject, time, data } = candidate;
  if (typeof id !== 'string') throw malformed(where, 'id is not a string');
  if (typeof source !== 'string') throw malformed(where, 'source is not a string');
  if (typeof type !== 'string') throw malformed(where, 'type is not a string');
  if (typeof subject !== 'string') throw malformed(where, 'subject is not a string');
  if (typeof time !== 'string') throw malformed(where, 'time is not a string');

  return { id, source, type, subject, time, data };
}

function parseJson(where: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProxyError(`event ${where} is not JSON`, { code: 'event_malformed', cause });
  }
}

export function malformed(where: string, problem: string): ProxyError {
  return new ProxyError(`event ${where}: ${problem}`, { code: 'event_malformed' });
}
