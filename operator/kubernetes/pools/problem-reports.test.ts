import test from 'ava';
import { ApiError } from '../api.ts';
import { NotNow } from './object-writer.ts';
import { createProblemReports } from './problem-reports.ts';

const refused = (status: number, message: string) =>
  new ApiError(message, { status, reason: 'Forbidden' });

function reported() {
  const told: string[] = [];
  const reports = createProblemReports({
    onProblem: (where, message) => told.push(`${where}: ${message}`),
    onProblemSolved: (where) => told.push(`${where} solved`),
  });
  return { reports, told };
}

test('a right that is missing is said once however much it stands in the way of', (t) => {
  const { reports, told } = reported();

  reports.failed('a', refused(403, 'may not'));
  reports.failed('a', refused(403, 'may not'));
  reports.failed('b', refused(403, 'may not either'));
  reports.succeeded('a');
  t.deepEqual(told, ['kubernetes/rbac: may not']);
  reports.succeeded('b');

  t.deepEqual(told, ['kubernetes/rbac: may not', 'kubernetes/rbac solved']);
});

test('what goes away by itself is no problem of anybody', (t) => {
  const { reports, told } = reported();

  reports.failed('a', new NotNow('not listed yet'));
  reports.failed('a', refused(0, 'unreachable'));
  reports.failed('a', refused(409, 'conflict'));
  reports.succeeded('a');

  t.deepEqual(told, []);
});

test('what fails for another reason than before is said anew', (t) => {
  const { reports, told } = reported();

  reports.failed('a', refused(403, 'may not'));
  reports.failed('a', refused(422, 'invalid'));
  reports.succeeded('a');

  t.deepEqual(told, [
    'kubernetes/rbac: may not',
    'kubernetes/rbac solved',
    'a: invalid',
    'a solved',
  ]);
});
