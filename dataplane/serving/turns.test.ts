import test from 'ava';
import { Turns } from './turns.ts';

test('each one is served when the one before it is done', (t) => {
  const turns = new Turns();
  const served: string[] = [];
  for (const name of ['a', 'b', 'c']) turns.take(() => served.push(name));

  t.deepEqual(served, ['a']);
  t.true(turns.waiting);
  t.true(turns.next());
  t.deepEqual(served, ['a', 'b']);
  t.true(turns.next());
  t.false(turns.waiting);
  t.true(turns.busy);
  t.false(turns.next());
  t.false(turns.busy);
  t.deepEqual(served, ['a', 'b', 'c']);
});

test('after the last one nothing is taken', (t) => {
  const turns = new Turns();
  const served: string[] = [];
  turns.take(() => served.push('a'));
  turns.takeLast(() => served.push('last'));
  turns.take(() => served.push('never'));
  turns.takeLast(() => served.push('never'));

  while (turns.next());

  t.deepEqual(served, ['a', 'last']);
});

test('a turn that is over at once makes room for the next', (t) => {
  const turns = new Turns();
  const served: string[] = [];
  turns.take(() => served.push('a'));
  turns.take(() => {
    served.push('b');
    turns.next();
  });
  turns.take(() => served.push('c'));

  turns.next();

  t.deepEqual(served, ['a', 'b', 'c']);
  t.true(turns.busy);
});
