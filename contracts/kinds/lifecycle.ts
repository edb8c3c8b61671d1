import type { ValueProblem } from '../check-value.ts';
import { isRecord } from '../json.ts';
import { type Decided, isDecided } from './decided.ts';

/** What can happen to a resource; the same for every kind, with the kind in the name. */
export type LifecycleEvent<Name extends string, Config> =
  | (Decided & { readonly type: `${Name}Configured`; readonly config: Config })
  | (Decided & {
      readonly type: `${Name}Rejected`;
      /** A condition reason of `Accepted` or `ResolvedRefs`: see conditions.ts. */
      readonly reason: string;
      readonly message: string;
    })
  | { readonly type: `${Name}Removed`; readonly uid: string };

/** What is in force: the last accepted version. */
export type Serving<Config> = Decided & { readonly config: Config };

export type LifecycleState<Config> =
  | { readonly status: 'absent' }
  | ({ readonly status: 'serving' } & Serving<Config>)
  /** The newest version was refused; pods keep serving the last good one, if there was one. */
  | ({
      readonly status: 'rejected';
      readonly reason: string;
      readonly message: string;
      readonly lastGood: Serving<Config> | null;
    } & Decided);

/** What an event of the config subject asks of a pod. */
export type Desired<Config> =
  | { readonly is: 'removed' }
  | {
      readonly is: 'configured';
      readonly uid: string;
      readonly generation: number;
      readonly config: Config;
    }
  /** Newer than this pod, or broken: it must not be served in part. */
  | { readonly is: 'refused'; readonly unknownField: boolean; readonly message: string };

export type EventTypes<Name extends string> = {
  readonly [Type in `${Name}${'Configured' | 'Rejected' | 'Removed'}`]: string;
};

export type Lifecycle<Name extends string, Config> = {
  /** Names in code → types on the wire. */
  readonly eventTypes: EventTypes<Name>;
  /** Checks the frame of an event; the kind's own check looks at the configuration. */
  isEvent(value: unknown): value is LifecycleEvent<Name, Config>;
  /** What a pod makes of an entry with this type on the wire. */
  desired(type: string, data: unknown): Desired<Config>;
  readonly initialState: LifecycleState<Config>;
  evolve(
    state: LifecycleState<Config>,
    event: LifecycleEvent<Name, Config>,
  ): LifecycleState<Config>;
  /** The version pods should be serving, whatever became of newer ones. */
  lastGood(state: LifecycleState<Config>): Serving<Config> | null;
};

/** `check` says what is wrong with a configuration; `null`: it is a `Config`. */
export function lifecycleOf<Name extends string, Config>(
  name: Name,
  check: (config: unknown) => ValueProblem | null,
): Lifecycle<Name, Config> {
  const onWire = (what: string) => `dev.headgate.${name.toLowerCase()}.${what}.v1`;
  const configured = onWire('configured');
  const removed = onWire('removed');
  const eventTypes = {
    [`${name}Configured`]: configured,
    [`${name}Rejected`]: onWire('rejected'),
    [`${name}Removed`]: removed,
  } as EventTypes<Name>;
  const isEvent = (value: unknown): value is LifecycleEvent<Name, Config> =>
    isLifecycleEvent(name, value);

  return {
    eventTypes,
    isEvent,
    initialState: absent,
    evolve,
    lastGood,
    desired(type, data) {
      if (type === removed) return { is: 'removed' };
      if (type !== configured) {
        const message = `this pod does not know events of type ${type}`;
        return { is: 'refused', unknownField: true, message };
      }
      if (!isEvent(data) || !('config' in data)) {
        const message = 'the event is not what its type says';
        return { is: 'refused', unknownField: false, message };
      }
      const problem = check(data.config);
      if (problem !== null) {
        const message = `${problem.field}: ${problem.problem}`;
        return { is: 'refused', unknownField: problem.unknownField, message };
      }
      const { uid, generation, config } = data;
      return { is: 'configured', uid, generation, config };
    },
  };
}

const absent = { status: 'absent' } as const;

function isLifecycleEvent(name: string, value: unknown): boolean {
  if (!isRecord(value) || typeof value['uid'] !== 'string') return false;
  switch (value['type']) {
    case `${name}Configured`:
      return isDecided(value) && isRecord(value['config']);
    case `${name}Rejected`:
      return (
        isDecided(value) &&
        typeof value['reason'] === 'string' &&
        typeof value['message'] === 'string'
      );
    case `${name}Removed`:
      return true;
    default:
      return false;
  }
}

function evolve<Config>(
  state: LifecycleState<Config>,
  event: LifecycleEvent<string, Config>,
): LifecycleState<Config> {
  if ('config' in event) return { status: 'serving', ...decidedOf(event), config: event.config };
  if ('reason' in event) {
    const { reason, message } = event;
    return {
      status: 'rejected',
      ...decidedOf(event),
      reason,
      message,
      lastGood: lastGood(state),
    };
  }
  return absent;
}

/** The version pods should be serving, whatever became of newer ones. */
export function lastGood<Config>(state: LifecycleState<Config>): Serving<Config> | null {
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
