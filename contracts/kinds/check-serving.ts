import { type Check, count, fields, flag, listOf, oneOf, port, text } from '../check-value.ts';
import { addressClasses } from './serving.ts';

/** The checks of what stands in serving.ts. */

export const listenerAddress = { name: text, port, address: text } as const;

export const secretReference: Check = fields({ namespace: text, name: text, digest: text });

export const addressPolicy: Check = fields({
  deny: listOf(oneOf(...addressClasses)),
  allowCIDRs: listOf(text),
  denyCIDRs: listOf(text),
});

export const dns: Check = fields({ timeoutMs: count, family: oneOf('Auto', 'IPv4', 'IPv6') });

export const timeouts: Check = fields({
  handshakeMs: count,
  requestHeadersMs: count,
  connectMs: count,
  responseHeadersMs: count,
  bodyIdleMs: count,
  idleMs: count,
  tunnelIdleMs: count,
  tunnelMaxMs: count,
  halfCloseMs: count,
});

export const limits: Check = fields({
  connections: count,
  connectionsPerClient: count,
  tunnels: count,
  tunnelsPerClient: count,
  headerBytes: count,
  headerCount: count,
  targetBytes: count,
});

export const via: Check = fields({ enabled: flag, pseudonym: text });
export const forwardedHeader: Check = oneOf('None', 'Forwarded', 'XForwardedFor');
export const accessLog: Check = fields({ enabled: flag, redactQuery: flag });
