import { startBlackHole } from '../../support/black-hole.ts';
import type { Scope } from '../../support/teardowns.ts';
import { startOrigin, startServer } from '../servers.ts';

/** What a mirror is like, as the tables call it. */
export const mirrors = {
  none: 'none',
  healthy: 'answers at once',
  bodiless: 'answers at once, without a body',
  hung: 'accepts and never answers',
  resetting: 'resets every connection',
  slow: 'reads 1 KB/s',
  'black-holed': 'black-holed: SYNs are dropped',
} as const;

export type MirrorName = keyof typeof mirrors;

/** Whether it is one that could hurt the primary. */
export const isTroubled = (name: MirrorName): boolean =>
  name !== 'none' && name !== 'healthy' && name !== 'bodiless';

export type RunningMirror = {
  readonly port: number | null;
  /** How many copies it has had so far, of one that counts. */
  readonly received?: () => Promise<number>;
};

/** Each in a process of its own. */
export async function startMirror(scope: Scope, name: MirrorName): Promise<RunningMirror> {
  if (name === 'none') return { port: null };
  if (name === 'healthy') return await startOrigin(scope);
  if (name === 'bodiless') return await startOrigin(scope, '');
  if (name === 'black-holed') return await startBlackHole(scope);
  const { port } = await startServer(scope, 'mirror-route/troubled-mirror.ts', name);
  return { port };
}
