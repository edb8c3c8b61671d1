import test from 'ava';
import type { Acknowledgement, Refusal } from '../../contracts/acknowledgement.ts';
import { allKinds } from '../../contracts/kinds/all-kinds.ts';
import type { ForwardProxyConfig } from '../../contracts/kinds/forward-proxy/config.ts';
import { formatKey } from '../../contracts/resource-key.ts';
import { createSubjects } from '../../contracts/subjects.ts';
import { createPods } from './pods.ts';
import { createStates } from './states.ts';
import { createStatusReporter } from './status-reporter.ts';

const subjects = createSubjects();
const resources = 3_000;
const keyOf = (number: number) =>
  ({ kind: 'ForwardProxy', namespace: 'team-a', name: `proxy-${number}` }) as const;

/** Thousands of resources that two pods serve, of which the second falls silent. */
function openPool() {
  let nowMs = 1_000_000;
  let looks = 0;
  const states = createStates(subjects);
  const pods = createPods();
  const reasons = new Map<string, string | undefined>();
  const behind = new Set<string>();
  const reporter = createStatusReporter({
    states,
    pods,
    statuses: {
      reported() {
        looks += 1;
        return null;
      },
      write: async () => [],
    },
    now: () => nowMs,
    onStatus(report) {
      const { conditions } = report.status;
      reasons.set(formatKey(report), conditions.find(({ type }) => type === 'Programmed')?.reason);
      if (conditions.some(({ reason }) => reason === 'PodsBehind')) behind.add(formatKey(report));
    },
    onArrived: () => undefined,
  });

  function configure(number: number, sequence: number): void {
    const key = keyOf(number);
    const subject = subjects.config('default', key);
    const data = {
      type: 'ForwardProxyConfigured',
      uid: `u${number}`,
      ...{ generation: 1, specDigest: 's', inputs: 'i', cause: null },
      config: { pool: 'default', listeners: [] as unknown } as ForwardProxyConfig,
    } as const;
    const event = {
      ...{ id: String(sequence), source: 'test', subject: formatKey(key), data },
      ...{
        type: allKinds.ForwardProxy.eventTypes.ForwardProxyConfigured,
        time: new Date(nowMs).toISOString(),
      },
    };
    states.apply({ sequence, subject, event });
    reporter.changed(key);
  }

  function speak(instance: string, applied: number, more: Partial<Acknowledgement> = {}): void {
    const said = { instance, pool: 'default', logId: 'log', applied, digest: `${applied}` };
    const empty = { refusals: [], refusalCount: 0, eventTypes: [], keyIds: [], draining: false };
    const progress = pods.receive({ ...said, ...empty, ...more }, nowMs);
    if (progress !== null) reporter.podSpoke(progress);
  }

  return {
    reporter,
    configure,
    speak,
    behind,
    reason: (number: number) => reasons.get(formatKey(keyOf(number))),
    wait(ms: number) {
      nowMs += ms;
    },
    /** How many resources were looked at meanwhile. */
    looksDuring(act: () => void): number {
      looks = 0;
      act();
      return looks;
    },
    begin() {
      pods.begin('log', nowMs);
      for (let number = 1; number <= resources; number += 1) configure(number, number);
      for (const pod of ['pod-1', 'pod-2']) speak(pod, resources);
      for (let second = 0; second < 25; second += 1) {
        nowMs += 1000;
        speak('pod-1', resources);
        if (second < 8) speak('pod-2', resources);
        reporter.tick();
      }
    },
  };
}

test('while one pod is silent, what another says costs no more than what it is about', (t) => {
  const { begin, configure, speak, reason, looksDuring } = openPool();
  begin();
  t.is(reason(1), 'ProgrammedExceptUnreachable');
  configure(1, resources + 1);
  t.is(reason(1), 'Pending');

  const looks = looksDuring(() => speak('pod-1', resources + 1));

  t.true(looks <= 2, `${looks} of ${resources} were looked at`);
  t.is(reason(1), 'ProgrammedExceptUnreachable');
});

test('a second in which nothing happens costs the same however many resources are in trouble', (t) => {
  const { begin, reporter, speak, wait, looksDuring } = openPool();
  begin();

  wait(1000);
  speak('pod-1', resources);
  const looks = looksDuring(reporter.tick);

  t.true(looks <= 1000, `${looks} of ${resources} were looked at`);
});

test('a silent pod that speaks again mends all that it serves', (t) => {
  const { begin, speak, reason } = openPool();
  begin();

  speak('pod-2', resources);

  t.is(reason(1), 'Programmed');
  t.is(reason(resources), 'Programmed');
});

test('a refusal that is taken back is noticed at once', (t) => {
  const { begin, configure, speak, reason } = openPool();
  begin();
  speak('pod-2', resources);
  configure(1, resources + 1);
  const refusal: Refusal = {
    resource: formatKey(keyOf(1)),
    sequence: resources + 1,
    reason: 'Invalid',
    code: 'event_malformed',
    message: 'it cannot be read',
  };
  speak('pod-1', resources + 1, { refusals: [refusal], refusalCount: 1 });
  speak('pod-2', resources + 1);
  t.is(reason(1), 'Rejected');

  speak('pod-1', resources + 1);

  t.is(reason(1), 'Programmed');
});

test('thousands that fall behind are all said to be within seconds', (t) => {
  const { begin, behind, configure, reporter, reason, speak, wait } = openPool();
  begin();
  speak('pod-2', resources);
  for (let number = 1; number <= resources; number += 1) configure(number, resources + number);

  for (let second = 0; second < 15; second += 1) {
    wait(1000);
    for (const pod of ['pod-1', 'pod-2']) speak(pod, resources);
    reporter.tick();
  }
  t.is(behind.size, resources);
  speak('pod-1', 2 * resources);
  speak('pod-2', 2 * resources);

  t.is(reason(1), 'Programmed');
  t.is(reason(resources), 'Programmed');
});
