import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { auditedWrites, createAdministrator } from '../support/audit.ts';
import { readSecret } from '../support/control-plane.ts';
import { startEditing } from '../support/edits.ts';
import { testSeed } from '../support/environment.ts';
import type { KubeApi } from '../support/kube-api.ts';
import { type OperatorProcess, operatorNamespace } from '../support/operator-process.ts';
import { createRandom } from '../support/random.ts';
import {
  assertNothingLost,
  electionsIn,
  leads,
  startServedPlane,
} from '../support/served-plane.ts';

const shortLease = { HEADGATE_LEASE_SECONDS: '3' };
const rounds = 20;

const otherNamespace = 'headgate-two';

type Pair = readonly [OperatorProcess, OperatorProcess];

/** What an operator says it recorded in the log after a sequence. */
function recordedAfter({ lines }: OperatorProcess, sequence: number): readonly string[] {
  return lines.all.filter(
    (line) => line.includes('"message":"recorded"') && JSON.parse(line).sequence > sequence,
  );
}

async function copySecret(kube: KubeApi, name: string): Promise<void> {
  const stringData = await readSecret(kube, name);
  const metadata = { name, namespace: otherNamespace };
  await kube.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata, stringData }));
}

test('operators are killed twenty times, at any moment: each change is recorded once, and no client notices', async (t) => {
  t.log(`seed ${testSeed}`);
  const random = createRandom(testSeed);
  const plane = await startServedPlane(t, { env: shortLease });
  const editing = startEditing(t, { ...plane, takenPort: plane.steadyPort, people: 8, random });
  let operators: Pair = [plane.operator, await plane.startOperator()];
  const takeovers: number[] = [];

  for (let round = 0; round < rounds; round += 1) {
    await editing.more(1 + random.below(8));
    // Any moment: between two appends, before a status is written, while a pod is waited for.
    await setTimeout(random.below(300));
    const [first, second] = operators;
    const [leader, other] = leads(first) ? [first, second] : [second, first];
    const wasLeading = round % 2 === 0 || random.chance(0.3);
    const [victim, survivor] = wasLeading ? [leader, other] : [other, leader];
    const beganAt = performance.now();
    await victim.stop('SIGKILL');
    operators = [survivor, await plane.startOperator()];
    if (!wasLeading) continue;
    await Promise.any(operators.map((operator) => operator.said('leading')));
    takeovers.push(Math.round(performance.now() - beganAt));
  }
  await editing.stop();

  await assertNothingLost(t, plane, editing);
  t.true(takeovers.length >= rounds / 2);
  t.log(`led again after ${takeovers.join(', ')} ms`);
});

test('a leader that is stopped beyond its lease finds another in its place, and writes nothing more', async (t) => {
  const random = createRandom(testSeed);
  const audit = await auditedWrites(t);
  const plane = await startServedPlane(t, { flags: audit.flags });
  const { kube, log } = plane;
  const [one, two] = [
    await createAdministrator(kube, 'one'),
    await createAdministrator(kube, 'two'),
  ];
  await plane.operator.stop();
  const first = await plane.startOperator({ KUBECONFIG: one.kubeconfig });
  await first.said('leading');
  const second = await plane.startOperator({ KUBECONFIG: two.kubeconfig });
  await second.said('everything is listed');
  const editing = startEditing(t, { ...plane, takenPort: plane.steadyPort, people: 6, random });
  await editing.more(20);
  t.is((await fetch(`${second.admin}/readyz`)).status, 200);
  t.deepEqual(await audit.writesOf(two.user), [], 'who stands by writes nothing');
  const from = first.lines.all.length;

  const beganAt = performance.now();
  first.child.kill('SIGSTOP');
  await second.said('has the lease');
  const tookMs = Math.round(performance.now() - beganAt);
  const { epoch } = (await second.said('leading')) as { epoch: number };
  await editing.more(20);
  const resumedAt = new Date().toISOString();
  first.child.kill('SIGCONT');
  await first.said('leads no longer', from);
  await editing.more(20);
  await editing.stop();

  await assertNothingLost(t, plane, editing);
  t.true(tookMs < 20_000, `${tookMs} ms`);
  t.log(`the other had the lease after ${tookMs} ms`);
  t.is(electionsIn(log).at(-1), epoch, 'the old one did not put itself to the vote');
  t.deepEqual(recordedAfter(first, epoch), []);
  const late = (await audit.writesOf(one.user)).filter(({ at }) => at > resumedAt);
  t.deepEqual(late, []);
  t.is((await fetch(`${first.admin}/readyz`)).status, 200);
});

test('two installations that share a log by mistake record each change once, say so, and keep out of each other’s way', async (t) => {
  const random = createRandom(testSeed);
  const plane = await startServedPlane(t, { env: shortLease });
  const { kube, log, operator: first } = plane;
  await kube.kubectl('create', 'namespace', otherNamespace);
  await copySecret(kube, 'headgate-nats');
  const editing = startEditing(t, { ...plane, takenPort: plane.steadyPort, people: 4, random });

  const second = await plane.startOperator({
    HEADGATE_NAMESPACE: otherNamespace,
    HEADGATE_NATS_EMBEDDED: 'false',
  });
  const pauses: number[] = [];
  for (let from = 0; pauses.length < 3; ) {
    const line = await first.said('leads no longer', from);
    pauses.push(Number(line['pauseMs']));
    from = 1 + first.lines.all.findIndex((text, at) => at >= from && text.includes('"leads no'));
  }
  await editing.stop();

  await assertNothingLost(t, plane, editing);
  t.deepEqual(pauses, [2000, 4000, 8000]);
  await second.said('the log has another leader');
  const events = ['get', 'events', '--field-selector=reason=LogContested', '-o', 'name'];
  for (const namespace of [operatorNamespace, otherNamespace]) {
    t.not(await kube.kubectl(...events, '--namespace', namespace), '', namespace);
  }
  t.true(electionsIn(log).length <= 8, String(electionsIn(log)));
});
