import test from 'ava';
import { formatField, parseField } from './field-path.ts';

test('a path is written as people write it, and read back', (t) => {
  const path = ['metadata', 'annotations', 'headgate.dev/hold-at', 0, 'a-b'];

  const field = formatField(path);

  t.is(field, 'metadata.annotations["headgate.dev/hold-at"][0].a-b');
  t.deepEqual(parseField(field), path);
});
