import type { Decided } from '../decided.ts';
import type { ForwardProxyConfig } from './config.ts';
import type { ForwardProxyEvent } from './events.ts';

/** What is in force: the last accepted version. */
export type Serving = Decided & { readonly config: ForwardProxyConfig };

export type ForwardProxyState =
  | { readonly status: 'absent' }
  | ({ readonly status: 'serving' } & Serving)
  /** The newest version was refused; pods keep serving the last good one, if there was one. */
  | ({
      readonly status: 'rejected';
      readonly reason: string;
      readonly message: string;
      readonly lastGood: Serving | null;
    } & Decided);

export const initialState: ForwardProxyState = { status: 'absent' };

export function evolve(state: ForwardProxyState, event: ForwardProxyEvent): ForwardProxyState {
  switch (event.type) {
    case 'ForwardProxyConfigured':
      return { status: 'serving', ...decidedOf(event), config: event.config };
    case 'ForwardProxyRejected':
      return {
        status: 'rejected',
        ...decidedOf(event),
        reason: event.reason,
        message: event.message,
        lastGood: lastGood(state),
      };
    case 'ForwardProxyRemoved':
      return initialState;
  }
}

/** The version pods should be serving, whatever became of newer ones. */
export function lastGood(state: ForwardProxyState): Serving | null {
  switch (state.status) {
    case 'absent':
      return null;
    case 'serving':
      return { ...decidedOf(state), config: state.config };
    case 'rejected':
      return state.lastGood;
  }
}

function decidedOf({ uid, generation, specDigest, inputs, cause }: Decided): Decided {
  return { uid, generation, specDigest, inputs, cause };
}
