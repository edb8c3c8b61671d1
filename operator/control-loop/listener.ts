import type { ResourceKey } from '../../contracts/resource-key.ts';
import type { StatusReported } from '../../contracts/status.ts';

/** What the control loop tells whoever shows it: `headgate up` on the terminal. */
export type Listener = {
  /** Something new is known of a resource. */
  onStatus(report: StatusReported): void;
  onRemoved(key: ResourceKey): void;
  /** Something in the source that belongs to no resource. */
  onProblem(where: string, message: string): void;
  onProblemSolved(where: string): void;
  /** Everything wanted was published for the first time in this log. */
  onPublished(published: Published): void;
  /** Everything published has arrived in the pools asked for, or was refused. Once per life of the log. */
  onReady(): void;
};

export type Published = {
  /** The log had to be made. */
  readonly created: boolean;
  /** It had been there before: its history is lost. */
  readonly historyLost: boolean;
  readonly resources: number;
};

export const silentListener: Listener = {
  onStatus: () => undefined,
  onRemoved: () => undefined,
  onProblem: () => undefined,
  onProblemSolved: () => undefined,
  onPublished: () => undefined,
  onReady: () => undefined,
};
