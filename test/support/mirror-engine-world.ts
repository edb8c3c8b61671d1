import type { MirrorConfig } from '../../contracts/kinds/mirror-route/config.ts';
import { mirrorId } from '../../contracts/kinds/mirror-route/mirror-state.ts';
import {
  type Copies,
  createMirrorEngine,
  type MirrorEngine,
} from '../../dataplane/kinds/mirror-route/mirroring/mirror-engine.ts';
import { mirrorTroubles } from '../../dataplane/kinds/mirror-route/mirroring/mirror-troubles.ts';
import { compileRouteTable, type Rule } from '../../dataplane/kinds/mirror-route/route-table.ts';
import {
  type CopyBudget,
  copyBudgetMemory,
  openCopyBudget,
} from '../../dataplane/limits/copy-budget.ts';
import { limitsMemory } from '../../dataplane/limits/shared-limits.ts';
import type { ServedResource } from '../../dataplane/workers/messages.ts';
import { mirrorConfig, mirrorRouteConfig, ruleConfig } from './mirror-route-config.ts';
import type { Scope } from './teardowns.ts';
import { type TestContext, workerContext } from './worker-context.ts';

export type MirrorParts = Partial<Omit<MirrorConfig, 'limits' | 'circuitBreaker' | 'body'>> & {
  readonly limits?: Partial<MirrorConfig['limits']>;
  readonly circuitBreaker?: Partial<MirrorConfig['circuitBreaker']>;
  readonly body?: Partial<MirrorConfig['body']>;
};

export type RequestParts = {
  readonly method?: string;
  readonly path?: string;
  readonly fields?: readonly string[];
};

/** An engine of one route with one rule, and time that moves when a test says so. */
export type EngineWorld = {
  readonly engine: MirrorEngine;
  readonly context: TestContext;
  /** Accounts of the mirror of that name, as all threads see them. */
  budget(mirror?: string): CopyBudget;
  /** A request has come. */
  begin(request?: RequestParts): Copies | null;
  /** A whole request without a body. */
  get(request?: RequestParts): void;
  /** A request has come that asks for another protocol. */
  skipUpgrade(): void;
  /** A newer version of the route has these mirrors. */
  swap(...mirrors: readonly MirrorParts[]): void;
  /** So much later; what is overdue ends. */
  later(ms: number): void;
  /** Copies by outcome and requests by skip reason, zeroes left out. */
  counts(): { readonly sent: Counts; readonly skipped: Counts };
  /** What its pod would report now: part → state. */
  troubles(): Readonly<Record<string, string>>;
  /** Waits until no copy is under way or waits. */
  idle(): Promise<void>;
  /** What is held in this thread and in all accounts together; all 0: nothing. */
  held(): readonly number[];
  loopBusy: boolean;
};

type Counts = Readonly<Record<string, number>>;

/** A mirror on loopback. */
export function at(port: number, host = '127.0.0.1'): MirrorConfig['origin'] {
  return { scheme: 'http', host, port, service: null, protocol: 'HTTP1' };
}

export function engineWorld(
  t: Pick<Scope, 'teardown'>,
  mirrors: readonly MirrorParts[],
  {
    isSelf = () => false,
    context = workerContext({ isSelf }),
    budgets = {},
    route = {},
  }: {
    readonly context?: TestContext;
    readonly isSelf?: TestContext['isSelf'];
    /** Of other threads' engines, to share. */
    readonly budgets?: Record<string, SharedArrayBuffer>;
    readonly route?: Parameters<typeof mirrorRouteConfig>[0];
  } = {},
): EngineWorld {
  let nowMs = 1_800_000_000_000;
  let version = 0;
  let rule: Rule | null = null;
  let served: ServedResource<'MirrorRoute'>;

  function resource(parts: readonly MirrorParts[]): ServedResource<'MirrorRoute'> {
    const wanted = ruleConfig({ mirrors: parts.map(mirrorOf) });
    const config = mirrorRouteConfig({ ...route, rules: [wanted] });
    for (const mirror of wanted.mirrors) {
      budgets[mirrorId(wanted, mirror)] ??= copyBudgetMemory(context.workers);
    }
    rule = compileRouteTable(config).entries[0]?.rule ?? null;
    version++;
    served = {
      kind: 'MirrorRoute',
      uid: 'uid-1',
      namespace: 'team-a',
      name: 'shop',
      generation: version,
      sequence: version,
      config,
      endpoints: {},
      endpointsSequence: 0,
      secrets: {},
      certificates: {},
      limits: limitsMemory(context.workers),
      idle: new SharedArrayBuffer(4),
      clients: null,
      budgets,
    };
    return served;
  }

  const engine = createMirrorEngine(context, resource(mirrors), {
    nowMs: () => nowMs,
    random: () => 0.5,
    loopBusy: () => world.loopBusy,
    close: () => undefined,
  });
  t.teardown(() => engine.close());

  const world: EngineWorld = {
    engine,
    context,
    loopBusy: false,
    budget(mirror = 'canary') {
      const memory = budgets[`rule-1/${mirror}`];
      if (memory === undefined) throw new Error(`there is no mirror ${mirror}`);
      return openCopyBudget(memory, 0);
    },
    begin({ method = 'GET', path = '/', fields = [] } = {}) {
      if (rule === null) throw new Error('the route has no rule');
      const original = {
        rule,
        target: { path, query: null },
        method,
        host: 'shop.example',
        pathAndQuery: path,
        matchedPrefix: '',
        fields: ['Host', 'shop.example', ...fields],
      };
      return engine.begin(
        { ...original, received: original.fields },
        { client: { text: '192.0.2.1' } },
      );
    },
    get(request) {
      world.begin(request)?.complete();
    },
    skipUpgrade() {
      if (rule !== null) engine.skipUpgrade(rule);
    },
    swap: (...parts) => engine.swap(resource(parts)),
    later(ms) {
      nowMs += ms;
      engine.sweep(nowMs);
    },
    counts: () => ({
      sent: context.values('headgate_mirror_copies_total', 'outcome'),
      skipped: context.values('headgate_mirror_skipped_total', 'reason'),
    }),
    troubles: () =>
      Object.fromEntries(mirrorTroubles(served, nowMs).map(({ part, state }) => [part, state])),
    async idle() {
      while (engine.open() > 0) await new Promise(setImmediate);
    },
    held() {
      const shown = [
        context.values('headgate_mirror_inflight', 'mirror'),
        context.values('headgate_mirror_queued', 'mirror'),
        context.values('headgate_mirror_buffered_bytes', 'mirror'),
      ].map((values) => Object.values(values).reduce((sum, value) => sum + value, 0));
      const accounts = Object.values(budgets).flatMap((memory) => {
        const budget = openCopyBudget(memory, 0);
        return [budget.total('underWay'), budget.total('queued'), budget.total('bytes')];
      });
      return [...shown, ...accounts, engine.open()];
    },
  };
  return world;
}

export function isNothing(held: readonly number[]): boolean {
  return held.every((amount) => amount === 0);
}

function mirrorOf({ limits, circuitBreaker, body, ...parts }: MirrorParts): MirrorConfig {
  const whole = mirrorConfig(parts);
  return {
    ...whole,
    limits: { ...whole.limits, ...limits },
    circuitBreaker: { ...whole.circuitBreaker, ...circuitBreaker },
    body: { ...whole.body, ...body },
  };
}
