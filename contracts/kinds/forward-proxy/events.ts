import { isRecord } from '../../json.ts';
import { type Decided, isDecided } from '../decided.ts';
import type { ForwardProxyConfig } from './config.ts';

export type ForwardProxyEvent =
  | (Decided & { readonly type: 'ForwardProxyConfigured'; readonly config: ForwardProxyConfig })
  | (Decided & {
      readonly type: 'ForwardProxyRejected';
      /** A condition reason of `Accepted` or `ResolvedRefs`: see conditions.ts. */
      readonly reason: string;
      readonly message: string;
    })
  | { readonly type: 'ForwardProxyRemoved'; readonly uid: string };

export const forwardProxyEventTypes = {
  ForwardProxyConfigured: 'dev.headgate.forwardproxy.configured.v1',
  ForwardProxyRejected: 'dev.headgate.forwardproxy.rejected.v1',
  ForwardProxyRemoved: 'dev.headgate.forwardproxy.removed.v1',
} as const;

/** Checks the frame of an event; `isForwardProxyConfig` in check-config.ts checks what is served. */
export function isForwardProxyEvent(value: unknown): value is ForwardProxyEvent {
  if (!isRecord(value) || typeof value['uid'] !== 'string') return false;
  switch (value['type']) {
    case 'ForwardProxyConfigured':
      return isDecided(value) && isRecord(value['config']);
    case 'ForwardProxyRejected':
      return (
        isDecided(value) &&
        typeof value['reason'] === 'string' &&
        typeof value['message'] === 'string'
      );
    case 'ForwardProxyRemoved':
      return true;
    default:
      return false;
  }
}
