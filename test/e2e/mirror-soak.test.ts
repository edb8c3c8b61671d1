import test from 'ava';
import { megabyte } from '../support/bulk.ts';
import { startSoak } from '../support/mirror-soak.ts';

// Nothing piles up however many requests are copied (R20): no heap, no sockets, no bytes held.
// `npm run bench -- soak` asks a million times.

test('50,000 requests with four mirrors leave nothing behind', async (t) => {
  const soak = await startSoak(t);
  const before = await soak.churn(5000); // code is compiled, pools are filled

  const after = await soak.churn(50_000);

  const { sent, skipped } = await soak.copies();
  t.log({ asked: soak.asked, sent, skipped });
  t.log(
    `heap ${before.heap} → ${after.heap}, descriptors ${before.descriptors} → ${after.descriptors}`,
  );
  for (const outcome of [
    'answered',
    'connection_refused',
    'connection_terminated',
    'http_response_timeout',
  ]) {
    t.true((sent[outcome] ?? 0) > 0, outcome);
  }
  t.deepEqual(await soak.compared(), { match: soak.asked });
  // 50,000 leaked copies would be 50 MB at the least (1 KB each).
  t.true(after.heap - before.heap < 10 * megabyte);
  await soak.untilDescriptors(before.descriptors + 4);
});
