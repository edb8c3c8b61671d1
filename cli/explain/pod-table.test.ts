import test from 'ava';
import { createSubjects } from '../../contracts/subjects.ts';
import type { NewEntry } from '../../event-log/event-log.ts';
import { configured, removed, spoken } from '../../test/support/explained-log.ts';
import { type Happening, happeningIn } from './happening.ts';
import { podTable, versionsByResource } from './pod-table.ts';

const subjects = createSubjects();
const log = { logId: 'log-1', sequences: [] };

/** Each entry under the sequence of its place, from 1. */
function happenings(entries: readonly NewEntry[]): readonly Happening[] {
  return entries
    .map(({ subject, event }, index) =>
      happeningIn({ sequence: index + 1, subject, event }, subjects),
    )
    .filter((each) => each !== null);
}

const refusal = (name: string, sequence: number) => ({
  ...{ resource: `ForwardProxy/team-a/${name}`, sequence, message: 'taken' },
  ...({ reason: 'PortUnavailable', code: 'proxy_configuration_error' } as const),
});

type Said = NonNullable<Parameters<typeof spoken>[2]>;

function tableOf(entries: readonly NewEntry[], said: Said) {
  const acknowledgement = spoken('pod-1', log, said);
  const table = podTable(versionsByResource(happenings(entries)), acknowledgement);
  const rows = [...table.runs].map(([resource, runs]) => {
    const shown = runs.is === 'version' ? runs.version.sequence : runs.is;
    return `${resource.split('/').at(-1)} ${shown}`;
  });
  return { rows: rows.sort(), confirmed: table.confirmed };
}

const a = (generation: number) => configured('a', generation);
const b = (generation: number) => configured('b', generation);

test('a pod runs the last version of each resource up to what it applied', (t) => {
  const entries = [a(1), b(1), a(2), removed('b')];

  t.deepEqual(tableOf(entries, { applied: 3, runs: { a: 3, b: 2 } }), {
    rows: ['a 3', 'b 2'],
    confirmed: true,
  });
  t.deepEqual(tableOf(entries, { applied: 4, runs: { a: 3 } }), {
    rows: ['a 3', 'b nothing'],
    confirmed: true,
  });
});

test('of a version it refuses it runs the one before, or nothing, as its digest tells', (t) => {
  const entries = [a(1), a(2), a(3)];
  const said = { applied: 3, refusals: [refusal('a', 3)], refusalCount: 1 };

  t.deepEqual(tableOf(entries, { ...said, runs: { a: 2 } }).rows, ['a 2']);
  t.deepEqual(tableOf(entries, { ...said, runs: { a: 1 } }).rows, ['a 1']);
  t.deepEqual(tableOf(entries, { ...said, runs: {} }), { rows: ['a nothing'], confirmed: true });
});

test('what was removed in between is not what a pod went back to', (t) => {
  const entries = [a(1), removed('a'), a(1)];
  const said = { applied: 3, refusals: [refusal('a', 3)], refusalCount: 1, runs: { a: 1 } };

  t.deepEqual(tableOf(entries, said), { rows: ['a unknown'], confirmed: false });
});

test('refusals that a pod could not list leave open what it runs instead', (t) => {
  const said = { applied: 2, refusals: [refusal('a', 2)], refusalCount: 7, runs: { a: 1 } };

  t.deepEqual(tableOf([a(1), a(2)], said), { rows: ['a unknown'], confirmed: null });
});

test('a digest that no possible table has is said to disagree', (t) => {
  t.deepEqual(tableOf([a(1)], { applied: 1, digest: 'of something else' }), {
    rows: ['a 1'],
    confirmed: false,
  });
});

test('so many refusals that trying all possibilities would take for ever leave it open', (t) => {
  const names = Array.from({ length: 25 }, (_, index) => `r${index}`);
  const entries = [1, 2].flatMap((generation) => names.map((name) => configured(name, generation)));
  const refusals = names.map((name, index) => refusal(name, names.length + index + 1));

  const { confirmed } = tableOf(entries, { applied: 50, refusals, refusalCount: 25 });

  t.is(confirmed, null);
});
