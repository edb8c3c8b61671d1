import test from 'ava';
import { watchByName } from './watch-by-name.ts';

test('nothing is read, and nobody waits, once it has ended', async (t) => {
  const watched = watchByName<string>({
    signal: AbortSignal.abort(new Error('it has ended')),
    watch: () => ({ reflectors: [], observe: () => 'never told' }),
    onChange: () => undefined,
  });

  await t.throwsAsync(watched.read('team-a', 'users'), { message: 'it has ended' });
});
