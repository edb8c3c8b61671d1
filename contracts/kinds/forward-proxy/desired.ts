import {
  type ConfigProblem,
  checkForwardProxyConfig,
  isForwardProxyConfig,
} from './check-config.ts';
import type { ForwardProxyConfig } from './config.ts';
import { forwardProxyEventTypes, isForwardProxyEvent } from './events.ts';

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

export function desiredForwardProxy(type: string, data: unknown): Desired<ForwardProxyConfig> {
  if (type === forwardProxyEventTypes.ForwardProxyRemoved) return { is: 'removed' };
  if (type !== forwardProxyEventTypes.ForwardProxyConfigured) {
    const message = `this pod does not know events of type ${type}`;
    return { is: 'refused', unknownField: true, message };
  }
  if (!isForwardProxyEvent(data) || data.type !== 'ForwardProxyConfigured') {
    return { is: 'refused', unknownField: false, message: 'the event is not what its type says' };
  }
  const config: unknown = data.config;
  if (isForwardProxyConfig(config)) {
    return { is: 'configured', uid: data.uid, generation: data.generation, config };
  }
  return refusedFor(checkForwardProxyConfig(config));
}

function refusedFor(problem: ConfigProblem | null): Desired<never> {
  const message = problem === null ? 'not a configuration' : `${problem.field}: ${problem.problem}`;
  return { is: 'refused', unknownField: problem?.unknownField ?? false, message };
}
