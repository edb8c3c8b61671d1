import { randomUUID } from 'node:crypto';
import type { Envelope } from '../../contracts/envelope.ts';

export const pool = 'edge';

export function keyOf(name: string) {
  return { kind: 'ForwardProxy', namespace: 'team-a', name } as const;
}

export function makeEvent(data: unknown = {}): Envelope {
  return {
    id: randomUUID(),
    source: 'test',
    type: 'dev.headgate.forwardproxy.configured.v1',
    subject: 'ForwardProxy/team-a/egress',
    time: '2026-11-20T12:00:00.000Z',
    data,
  };
}
