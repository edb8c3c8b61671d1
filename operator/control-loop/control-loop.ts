import { setTimeout } from 'node:timers/promises';
import { LogFull, LogLost, LogUnavailable } from '../../event-log/event-log.ts';
import { checkOwner } from './owner.ts';
import { runTogether } from './run-together.ts';
import { createStates } from './states.ts';
import { createTerm, type Term, type TermOptions } from './term.ts';

export type ControlLoopOptions = TermOptions & {
  /** Who leads, as the log names it. */
  readonly holder: string;
  /** The highest sequence known from before; a log made anew is numbered above it. */
  readonly knownSequence: number;
};

const firstPauseMs = 100;
const longestPauseMs = 10_000;

/**
 * Source → queue → decide → log → status, until `controller` aborts. Throws `NoLongerLeader` when
 * somebody else leads. A log that was lost is made anew, and everything is published again.
 */
export async function runControlLoop(
  options: ControlLoopOptions,
  controller: AbortController,
): Promise<void> {
  const { source, eventLog, listener, log, holder } = options;
  const { signal } = controller;
  const synced = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => synced.resolve(), { once: true });
  let known = options.knownSequence;
  let term: Term | null = null;

  async function listenToSource(): Promise<void> {
    for await (const change of source.changes(signal)) {
      if (change.type === 'synced') synced.resolve();
      if (change.type === 'problem') listener.onProblem(change.where, change.message);
      if (change.type === 'problemSolved') listener.onProblemSolved(change.where);
      term?.take(change);
    }
  }

  async function serveTerm(): Promise<void> {
    const leader = await eventLog.lead(holder, known);
    log.info('leading', { logId: leader.logId, epoch: leader.epoch, created: leader.created });
    // The end came during the election: what a term begins now would wait for that in vain.
    if (signal.aborted) return;
    const ended = new AbortController();
    const end = () => ended.abort();
    signal.addEventListener('abort', end, { once: true });
    term = createTerm(options, leader, known, synced.promise, ended);
    await term.run().finally(() => {
      signal.removeEventListener('abort', end);
      options.metrics.leads(null);
    });
  }

  async function lead(): Promise<void> {
    if (!options.adopt) await refuseStrangers(options, signal);
    let pauseMs = firstPauseMs;
    while (!signal.aborted) {
      const before = known;
      await serveTerm().catch(unlessLost);
      known = Math.max(known, term?.knownSequence() ?? 0);
      pauseMs = known > before ? firstPauseMs : Math.min(2 * pauseMs, longestPauseMs);
      await setTimeout(pauseMs, null, { signal }).catch(() => null);
    }
  }

  function unlessLost(error: unknown): void {
    const canEnd =
      error instanceof LogLost || error instanceof LogUnavailable || error instanceof LogFull;
    if (!canEnd) throw error;
    if (error instanceof LogFull) listener.onProblem('the log', error.message);
    log.warn('the log has to be led again', { error });
  }

  await runTogether([listenToSource, lead], controller);
}

/** Looks who owns the log before taking the lead: a mistaken start must not end who rightly leads. */
async function refuseStrangers({ eventLog, source, writing }: TermOptions, signal: AbortSignal) {
  const looked = new AbortController();
  const { allConfig, allJournal } = writing.subjects;
  const ended = AbortSignal.any([signal, looked.signal]);
  try {
    for await (const update of eventLog.follow([allConfig, allJournal], ended)) {
      if (update.type === 'malformed') continue;
      if (update.type === 'snapshot') {
        const states = createStates(writing.subjects);
        states.reset(update.entries, update.sequence);
        checkOwner(states, source.id);
      }
      return; // nothing to see: the election will find out why
    }
  } finally {
    looked.abort();
  }
}
