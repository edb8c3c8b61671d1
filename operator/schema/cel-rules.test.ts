import test from 'ava';
import { compileCel } from './cel-rules.ts';
import type { StructuralSchema } from './structural.ts';

const immutableName: StructuralSchema = {
  type: 'object',
  properties: {
    items: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        'x-kubernetes-validations': [
          { rule: 'self.size >= oldSelf.size', fieldPath: '.size', message: 'must not shrink' },
        ],
      },
    },
  },
};

test('a rule about a transition compares with the old item of the same key', (t) => {
  const check = compileCel(immutableName);
  const old = {
    items: [
      { name: 'a', size: 5 },
      { name: 'b', size: 1 },
    ],
  };

  const problems = check(
    {
      items: [
        { name: 'b', size: 2 },
        { name: 'a', size: 4 },
      ],
    },
    old,
  );

  t.deepEqual(problems, [{ field: 'items[1].size', message: 'must not shrink' }]);
});

test('a rule about a transition says nothing about what is new', (t) => {
  const check = compileCel(immutableName);
  const items = { items: [{ name: 'c', size: 0 }] };

  t.deepEqual(check(items), []);
  t.deepEqual(check(items, { items: [] }), []);
});

test('a rule that cannot be evaluated does not hold, and says why', (t) => {
  const check = compileCel({
    type: 'object',
    'x-kubernetes-validations': [{ rule: 'self.missing > 1', message: 'must be more than 1' }],
  });

  t.deepEqual(check({}), [{ field: '', message: 'must be more than 1 (No such key: missing)' }]);
});

test('whole numbers are integers in rules', (t) => {
  const check = compileCel({
    type: 'object',
    'x-kubernetes-validations': [
      { rule: 'type(self.port) == int && self.port % 2 == 0', message: 'must be even' },
    ],
  });

  t.deepEqual(check({ port: 8 }), []);
  t.is(check({ port: 7 }).length, 1);
});
