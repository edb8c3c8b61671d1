import test from 'ava';
import { createAccessLog } from './access-log-batch.ts';

const line = (length: number) => 'x'.repeat(length - 1); // and its line end

test('lines go out together, each with its end, once there are enough of them', (t) => {
  const sent: string[] = [];
  const log = createAccessLog((lines) => sent.push(lines));
  t.teardown(() => log.flush());

  log.add(line(16 * 1024 - 1));
  t.deepEqual(sent, []);
  log.add(line(2));

  t.deepEqual(
    sent.map(({ length }) => length),
    [16 * 1024 + 1],
  );
  t.true(sent[0]?.endsWith('x\nx\n'));
});

test('a line that nothing follows goes out all the same, soon', async (t) => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const log = createAccessLog(resolve);

  log.add('first');
  log.add('second');

  t.is(await promise, 'first\nsecond\n');
});

test('what waits can be sent at once, and nothing is sent twice', (t) => {
  const sent: string[] = [];
  const log = createAccessLog((lines) => sent.push(lines));

  log.flush();
  log.add('last words');
  log.flush();
  log.flush();

  t.deepEqual(sent, ['last words\n']);
});
