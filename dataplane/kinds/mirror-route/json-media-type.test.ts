import test from 'ava';
import { isJson } from './json-media-type.ts';

test('JSON is what says so', (t) => {
  const says = (type: string) => isJson(['Content-Type', type]);

  t.true(says('application/json'));
  t.true(says('Application/JSON; charset=utf-8'));
  t.true(says('application/problem+json'));
  t.true(says('application/vnd.api+json ;v=1'));
  t.false(says('text/plain'));
  t.false(says('application/json-seq'));
  t.false(says('application/x-ndjson'));
  t.false(says('+json'));
  t.false(isJson([]));
});
