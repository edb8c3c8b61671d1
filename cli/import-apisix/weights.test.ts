import test from 'ava';
import { shareOut } from './weights.ts';

const node = (url: string, weight = 1) => ({ target: { url }, weight });

test('addresses with equal weights need none', (t) => {
  t.deepEqual(shareOut([{ weight: 100, nodes: [node('a', 7), node('b', 7)] }]), [
    { url: 'a' },
    { url: 'b' },
  ]);
});

test('each address gets of its group the share it had, and its group that of all', (t) => {
  const groups = [
    { weight: 3, nodes: [node('a', 1), node('b', 2)] },
    { weight: 1, nodes: [node('c', 100)] },
  ];

  t.deepEqual(shareOut(groups), [
    { url: 'a', weight: 1 },
    { url: 'b', weight: 2 },
    { url: 'c', weight: 1 },
  ]);
});

test('0 stays 0, for an address and for a group', (t) => {
  const groups = [
    { weight: 5, nodes: [node('a', 1), node('b', 0)] },
    { weight: 0, nodes: [node('c')] },
  ];

  t.deepEqual(shareOut(groups), [
    { url: 'a', weight: 1 },
    { url: 'b', weight: 0 },
    { url: 'c', weight: 0 },
  ]);
});

test('where nothing gets anything, nothing does', (t) => {
  t.deepEqual(shareOut([{ weight: 1, nodes: [node('a', 0)] }]), [{ url: 'a', weight: 0 }]);
});

test('shares that no weights up to a million have are told apart from others', (t) => {
  const groups = [
    { weight: 1, nodes: [node('a', 999_983), node('b', 1)] },
    { weight: 999_979, nodes: [node('c')] },
  ];

  t.is(shareOut(groups), null);
});
