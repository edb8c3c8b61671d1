import test from 'ava';
import type { Acknowledgement } from '../../contracts/acknowledgement.ts';
import { findCondition } from '../../contracts/conditions.ts';
import { allKinds } from '../../contracts/kinds/all-kinds.ts';
import { formatKey } from '../../contracts/resource-key.ts';
import type { StatusReported } from '../../contracts/status.ts';
import { createSubjects } from '../../contracts/subjects.ts';
import {
  mirrorConfig,
  mirrorRouteConfig,
  ruleConfig,
} from '../../test/support/mirror-route-config.ts';
import { createPods } from './pods.ts';
import { createStates } from './states.ts';
import { createStatusReporter } from './status-reporter.ts';
import type { Reported } from './statuses.ts';

const subjects = createSubjects();
const key = { kind: 'MirrorRoute', namespace: 'team-a', name: 'shop' } as const;
const beganMs = Date.parse('2026-11-20T10:00:00.000Z');
const troubled = (state: string) => ({
  troubles: [{ resource: formatKey(key), part: 'rule-1/canary', state }],
  troubleCount: 1,
});
const well = { troubles: [], troubleCount: 0 };

/** A route with one mirror, whose status is read back as it was written. Pods are missed from 15 s after the beginning on. */
function openRoute(t: { teardown(end: () => void): void }, begunMsAgo = 20_000) {
  let nowMs = beganMs;
  let sequence = 0;
  const ended = new AbortController();
  t.teardown(() => ended.abort());
  const states = createStates(subjects);
  const pods = createPods();
  pods.begin('log', nowMs - begunMsAgo);
  let kept: Reported | null = null;
  const writes: string[] = [];
  const shown: string[] = [];
  const reporter = createStatusReporter({
    ...{ states, pods, now: () => nowMs, onArrived: () => undefined },
    statuses: {
      reported: () => kept,
      async write(reports) {
        for (const report of reports) {
          kept = report;
          writes.push(inWords(report));
        }
        return [];
      },
    },
    onStatus: (report) => shown.push(inWords(report)),
  });
  void reporter.run(ended.signal);

  function speak(instance: string, health: Acknowledgement['health'], applied = sequence): void {
    const said = { instance, pool: 'default', logId: 'log', applied, digest: `${applied}` };
    const empty = { refusals: [], refusalCount: 0, eventTypes: [], keyIds: [], draining: false };
    const told = health === undefined ? {} : { health };
    const progress = pods.receive({ ...said, ...empty, ...told }, nowMs);
    if (progress !== null) reporter.podSpoke(progress);
  }

  return {
    shown,
    speak,
    configure() {
      sequence += 1;
      const rules = [ruleConfig({ mirrors: [mirrorConfig()] })];
      const data = {
        type: 'MirrorRouteConfigured',
        ...{ uid: 'u1', generation: sequence, specDigest: 's', inputs: 'i', cause: null },
        config: mirrorRouteConfig({ rules }),
      } as const;
      const event = {
        ...{ id: String(sequence), source: 'test', subject: formatKey(key), data },
        type: allKinds.MirrorRoute.eventTypes.MirrorRouteConfigured,
        time: new Date(nowMs).toISOString(),
      };
      states.apply({ sequence, subject: subjects.config('default', key), event });
      reporter.changed(key);
    },
    /** Seconds pass in which each pod repeats itself. What was written by then. */
    async wait(seconds: number, repeat: () => void = () => undefined) {
      for (let second = 0; second < seconds; second += 1) {
        nowMs += 1000;
        repeat();
        reporter.tick();
        await new Promise(setImmediate); // written
      }
      return writes.splice(0);
    },
  };
}

/** `True/Programmed BreakerOpen@0 False/BreakerOpen`: programmed, each mirror and since when, its condition. */
function inWords({ status }: StatusReported): string {
  const wordOf = (type: 'Programmed' | 'MirrorHealthy') => {
    const found = findCondition(status.conditions, type);
    return found === null ? [] : [`${found.status}/${found.reason}`];
  };
  const mirrors = (status.mirrors ?? []).map(
    ({ state, lastTransitionTime }) =>
      `${state}@${(Date.parse(lastTransitionTime) - beganMs) / 1000}`,
  );
  return [...wordOf('Programmed'), ...mirrors, ...wordOf('MirrorHealthy')].join(' ');
}

test('a breaker that opens is written a second later, one that closes soon after when thirty have passed', async (t) => {
  const route = openRoute(t);
  route.configure();
  route.speak('pod-1', well);
  const heartbeat = (health: Acknowledgement['health']) => () => route.speak('pod-1', health);
  t.deepEqual(await route.wait(1, heartbeat(well)), ['True/Programmed Active@0 True/Healthy']);

  const open = troubled('BreakerOpen');
  route.speak('pod-1', open);
  t.is(route.shown.at(-1), 'True/Programmed BreakerOpen@1 False/BreakerOpen');
  t.deepEqual(await route.wait(1, heartbeat(open)), [
    'True/Programmed BreakerOpen@1 False/BreakerOpen',
  ]);

  route.speak('pod-1', well);
  t.is(route.shown.at(-1), 'True/Programmed Active@2 True/Healthy');
  t.deepEqual(await route.wait(29, heartbeat(well)), []);
  t.deepEqual(await route.wait(1, heartbeat(well)), ['True/Programmed Active@2 True/Healthy']);
  t.deepEqual(await route.wait(60, heartbeat(well)), [], 'nothing is news');
});

test('what has passed within a second is not written', async (t) => {
  const route = openRoute(t);
  route.configure();
  route.speak('pod-1', well);
  await route.wait(1);

  route.speak('pod-1', troubled('BreakerOpen'));
  route.speak('pod-1', well);

  t.deepEqual(await route.wait(3, () => route.speak('pod-1', well)), []);
});

test('a mirror is as bad as for the pod where it is worst, and pods that are gone do not count', async (t) => {
  const route = openRoute(t);
  route.configure();
  route.speak('pod-1', well);
  route.speak('pod-2', troubled('BreakerOpen'));
  t.is(route.shown.at(-1), 'True/Programmed BreakerOpen@0 False/BreakerOpen');

  await route.wait(9, () => route.speak('pod-1', well));
  t.is(route.shown.at(-1), 'True/Programmed BreakerOpen@0 False/BreakerOpen');
  await route.wait(2, () => route.speak('pod-1', well));

  t.is(route.shown.at(-1), 'True/ProgrammedExceptUnreachable Active@11 True/Healthy');
});

test('a new version keeps what is known until every pod serves it, and costs no write of its own', async (t) => {
  const route = openRoute(t);
  route.configure();
  route.speak('pod-1', troubled('BudgetExhausted'));
  await route.wait(1);

  route.configure();
  t.is(route.shown.at(-1), 'False/Pending BudgetExhausted@0 False/BudgetExhausted');
  route.speak('pod-1', well);

  t.deepEqual(await route.wait(2), ['True/Programmed Active@1 True/Healthy']);
});

test('pods that know nothing of health leave the status as it always was', async (t) => {
  const route = openRoute(t);
  route.configure();
  route.speak('old-pod', undefined);

  t.deepEqual(await route.wait(2), ['True/Programmed']);
});

test('while it is early, what was not well is not called well; then it is, though nobody says more', async (t) => {
  const route = openRoute(t, 0);
  route.configure();
  route.speak('pod-1', troubled('BreakerOpen'));

  const heartbeat = () => route.speak('pod-1', well);
  heartbeat();
  await route.wait(14, heartbeat);
  t.is(route.shown.at(-1), 'True/Programmed BreakerOpen@0 False/BreakerOpen');
  await route.wait(1, heartbeat);

  t.is(route.shown.at(-1), 'True/Programmed Active@15 True/Healthy');
});
