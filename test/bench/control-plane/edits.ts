import { setTimeout as pause } from 'node:timers/promises';
import { type HttpSocket, openHttpSocket } from '../http-socket.ts';
import type { Installation } from './installation.ts';
import type { Observer } from './observer.ts';
import { type Answer, egress, forwardProxy, nameOf, pathTo, probe } from './proxies.ts';

/** Milliseconds of one edit, each from the moment it was sent. */
export type Edit = {
  /** The API server has answered. */
  readonly answered: number;
  /** A request through one pod is answered as the new version wants it. */
  readonly behaves: number;
  /** Every pod has acknowledged it, and the operator has heard so. */
  readonly applied: number;
  /** A watch shows Programmed at the new generation. */
  readonly programmed: number;
};

type EditOptions = {
  readonly installation: Installation;
  readonly observer: Observer;
  /** A port of this machine that leads to the probe's listener. */
  readonly port: number;
  readonly edits: number;
};

const askEveryMs = 2;
const longestMs = 30_000;

/** Edits the probe again and again, each time to the opposite. Leaves it at Deny. */
export async function measureEdits({ port, edits, ...options }: EditOptions): Promise<Edit[]> {
  using client = createClient(port);
  const measured: Edit[] = [];
  for (let edit = 0; edit < 2 * Math.ceil(edits / 2); edit += 1) {
    measured.push(await editOnce(options, client, edit % 2 === 0 ? 'Allow' : 'Deny'));
    await pause(50 + Math.random() * 200); // not in step with heartbeats
  }
  return measured;
}

async function editOnce(
  { installation: { api }, observer }: Omit<EditOptions, 'port' | 'edits'>,
  client: ReturnType<typeof createClient>,
  answer: Answer,
): Promise<Edit> {
  const sentAt = performance.now();
  const sentEpochMs = Date.now();
  const behaving = client.untilAnswered(answer, sentAt);
  behaving.catch(() => undefined); // awaited below
  const { metadata } = await api.mergePatch(pathTo(probe.name), {
    spec: { egress: egress(answer) },
  });
  const answered = performance.now() - sentAt;
  const seen = await observer.programmed(probe.name, Number(metadata['generation']), longestMs);
  const completedAt = Date.parse(seen.propagation?.completedAt ?? '');
  return {
    answered,
    behaves: (await behaving) - sentAt,
    applied: completedAt - sentEpochMs,
    programmed: seen.atMs - sentAt,
  };
}

/** Asks over one connection that is kept as long as the proxy keeps it. */
function createClient(port: number): Disposable & {
  untilAnswered(answer: Answer, sinceMs: number): Promise<number>;
} {
  const request = Buffer.from('GET http://127.0.0.1:9/ HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n');
  let socket: HttpSocket | null = null;

  async function ask(): Promise<number> {
    if (socket === null || socket.isOver) socket = await openHttpSocket(port);
    return await socket.ask(request);
  }

  return {
    async untilAnswered(answer, sinceMs) {
      while (((await ask()) === 403) !== (answer === 'Deny')) {
        if (performance.now() - sinceMs > longestMs) throw new Error('an edit was never in force');
        await pause(askEveryMs);
      }
      return performance.now();
    },
    [Symbol.dispose]: () => socket?.destroy(),
  };
}

export type Churn = { readonly perSecond: number; readonly failed: number };

/** Edits resource after resource, so many a second whether or not the last ones were answered. */
export function startChurn(
  { api }: Installation,
  { perSecond, resources }: { readonly perSecond: number; readonly resources: number },
): { stop(): Promise<Churn> } {
  const beganAt = performance.now();
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  let failed = 0;

  function send(): void {
    const number = 1 + (sent % resources);
    const round = 1 + Math.floor(sent / resources);
    sent += 1;
    const { spec } = forwardProxy(nameOf(number), 0);
    const [apis, edited] = spec.egress.rules;
    const rules = [{ ...apis, hosts: [`v${round}.example.com`] }, edited];
    const write: Promise<void> = api
      .mergePatch(pathTo(nameOf(number)), { spec: { egress: { rules } } })
      .then(
        () => undefined,
        () => {
          failed += 1;
        },
      )
      .finally(() => underWay.delete(write));
    underWay.add(write);
  }

  let churn: Promise<Churn> | null = null;

  const timer = setInterval(() => {
    const due = ((performance.now() - beganAt) / 1000) * perSecond;
    while (sent < due) send();
  }, 5);

  async function stop(): Promise<Churn> {
    clearInterval(timer);
    const seconds = (performance.now() - beganAt) / 1000;
    await Promise.all(underWay);
    return { perSecond: sent / seconds, failed };
  }

  return {
    stop() {
      churn ??= stop();
      return churn;
    },
  };
}
