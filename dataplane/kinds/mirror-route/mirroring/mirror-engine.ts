import type { MirrorConfig } from '../../../../contracts/kinds/mirror-route/config.ts';
import { mirrorId } from '../../../../contracts/kinds/mirror-route/mirror-state.ts';
import { resourceLabel } from '../../../../contracts/resource-key.ts';
import { copyBudgetMemory, openCopyBudget } from '../../../limits/copy-budget.ts';
import type { RawFields } from '../../../protocols/http-fields.ts';
import type { WorkerContext } from '../../../workers/context.ts';
import type { ServedResource } from '../../../workers/messages.ts';
import { copyHead, type PrimaryHead } from '../copy-head.ts';
import { type PickEndpoint, pickInTurn } from '../pick-endpoint.ts';
import type { Rule } from '../route-table.ts';
import type { SampledRequest } from '../sampling-key.ts';
import { type Circumstances, realCircumstances } from './circumstances.ts';
import { copiesOf } from './copies.ts';
import { Copy } from './copy.ts';
import { Lane } from './lane.ts';
import { MirrorVersion } from './mirror-version.ts';
import type { SkipReason } from './skip-reasons.ts';
import { type Situation, whyNotCopied } from './why-not-copied.ts';

/**
 * Sends copies of requests to mirrors, and nobody who is served notices: what a request has to do
 * with its copies is that it says what happens to it. No socket, pool or promise of theirs is shared
 * with it, none of their failures is told, and what they hold is bounded over all threads.
 *
 *   request ─▶ begin ─▶ Copy: body held ─▶ complete ─▶ SendQueue ─▶ pool ─▶ dial ─▶ mirror ─▶ answer drained
 */
export type MirrorEngine = {
  /** Takes a newer version, or other endpoints; copies that have begun keep theirs. */
  swap(resource: ServedResource<'MirrorRoute'>): void;
  /** A request has come whose rule is known; `null`: it is copied to nobody. */
  begin(original: Original, connection: Sender): Copies | null;
  /** A request has come that asks for another protocol: such are never copied. */
  skipUpgrade(rule: Pick<Rule, 'mirrors'>): void;
  /** Once a second: whatever is overdue ends. */
  sweep(nowMs: number): void;
  /** Nothing begins any more, what waits is dropped, what is under way may end. */
  drain(): void;
  /** Copies under way or waiting. */
  open(): number;
  /** Cuts what is left and gives everything back. */
  close(): void;
};

/** A request as its backend gets it, and what of it was received otherwise. */
export type Original = PrimaryHead & {
  readonly rule: Pick<Rule, 'mirrors'>;
  readonly target: Pick<SampledRequest, 'path' | 'query'>;
  /** Its fields as its client sent them. */
  readonly received: RawFields;
  /** Of the path as its backend gets it: see {@link copyHead}. */
  readonly matchedPrefix: string;
};

export type Sender = { readonly client: { readonly text: string } };

/**
 * The copies of one request. Whoever serves the request says what happens to it; nothing is ever
 * said back.
 */
export type Copies = {
  /** The next part of the request's body. */
  body(chunk: Buffer): void;
  /** The request is whole: the copies go out. */
  complete(): void;
  /** Nothing more comes of the request; what is whole already goes out all the same. */
  abandon(): void;
  /** The answer the client gets, as the backend gave it. */
  primaryHead(status: number, fields: RawFields): void;
  primaryData(chunk: Buffer): void;
  /** `whole`: it came to its proper end. */
  primaryEnd(whole: boolean): void;
};

/** The engine of one resource in one thread. */
export function createMirrorEngine(
  context: WorkerContext,
  resource: ServedResource<'MirrorRoute'>,
  circumstances: Circumstances = realCircumstances(),
): MirrorEngine {
  const engine = new Engine(context, resource, circumstances);
  engine.swap(resource);
  return engine;
}

class Engine implements MirrorEngine, Situation {
  readonly #context: WorkerContext;
  readonly #circumstances: Circumstances;
  readonly #resource: string;
  #sequence = 0;
  #endpoints: PickEndpoint = pickInTurn({}, () => 0);
  #versions: ReadonlyMap<MirrorConfig, MirrorVersion> = new Map();
  #lanes: ReadonlyMap<string, Lane> = new Map();
  /** Of mirrors that are not wanted any more, while copies to them are under way. */
  readonly #leaving = new Set<Lane>();
  loopBusy = false;
  draining = false;

  constructor(
    context: WorkerContext,
    resource: ServedResource<'MirrorRoute'>,
    circumstances: Circumstances,
  ) {
    this.#context = context;
    this.#circumstances = circumstances;
    this.#resource = resourceLabel(resource);
  }

  swap(resource: ServedResource<'MirrorRoute'>): void {
    this.#endpoints = pickInTurn(resource.endpoints, this.random);
    if (resource.sequence === this.#sequence) return;
    this.#sequence = resource.sequence;
    const before = { versions: this.#versions, lanes: this.#lanes };
    const versions = new Map<MirrorConfig, MirrorVersion>();
    const lanes = new Map<string, Lane>();
    for (const rule of resource.config.rules) {
      for (const config of rule.mirrors) {
        const name = mirrorId(rule, config);
        const lane = before.lanes.get(name) ?? this.#openLane(resource, rule.name, config);
        lane.follow(config);
        lanes.set(name, lane);
        const wanted = { route: resource.config, config, endpoints: () => this.#endpoints };
        versions.set(config, new MirrorVersion(this.#context, lane, wanted));
      }
    }
    this.#versions = versions;
    this.#lanes = lanes;
    for (const version of before.versions.values()) version.retire();
    for (const [name, lane] of before.lanes) if (!lanes.has(name)) this.#leave(lane);
  }

  #leave(lane: Lane): void {
    lane.meters.breakerOpen.set(0); // no sweep shows it any more
    this.#leaving.add(lane);
  }

  #openLane(resource: ServedResource<'MirrorRoute'>, rule: string, config: MirrorConfig): Lane {
    const { worker, workers } = this.#context;
    const memory = resource.budgets[mirrorId({ name: rule }, config)];
    const budget = openCopyBudget(memory ?? copyBudgetMemory(workers), worker);
    const labels = { resource: this.#resource, rule, mirror: config.name };
    return new Lane(budget, this.#context.meter.scope(), labels, config);
  }

  begin(original: Original, { client }: Sender): Copies | null {
    const { mirrors } = original.rule;
    if (mirrors.length === 0) return null;
    const { method, target, received: fields, matchedPrefix } = original;
    const { path, query } = target;
    const request = { method, fields, path, query, clientAddress: client.text };
    let copies: Copy[] | null = null;
    for (const mirror of mirrors) {
      const version = this.#versions.get(mirror.config);
      if (version === undefined) continue; // a rule of another version than this
      const reason = whyNotCopied(mirror, request, version.lane, this);
      if (reason !== null) {
        version.lane.skipped(reason, this);
        continue;
      }
      copies ??= [];
      copies.push(new Copy(version, copyHead(mirror.config, original, matchedPrefix), this));
    }
    return copies === null ? null : copiesOf(copies);
  }

  skipUpgrade({ mirrors }: Pick<Rule, 'mirrors'>): void {
    const reason: SkipReason = 'upgrade';
    for (const { config } of mirrors) this.#versions.get(config)?.lane.skipped(reason, this);
  }

  sweep(nowMs: number): void {
    this.loopBusy = this.#versions.size > 0 && this.#circumstances.loopBusy(nowMs);
    if (this.crowded()) for (const version of this.#versions.values()) version.closeIdle();
    for (const lane of this.#leaving) {
      lane.queue.sweep(nowMs);
      if (lane.open > 0) continue;
      lane.close();
      this.#leaving.delete(lane);
    }
    for (const version of this.#versions.values()) {
      version.lane.queue.sweep(nowMs);
      // The threads' gauges add up, and the breaker is one for all of them.
      if (this.#context.worker === 0) version.showBreaker(nowMs);
    }
  }

  drain(): void {
    this.draining = true;
    for (const lane of this.#everyLane()) lane.queue.skipWaiting('draining');
  }

  open(): number {
    let open = 0;
    for (const lane of this.#everyLane()) open += lane.queue.size;
    return open;
  }

  close(): void {
    this.draining = true;
    for (const lane of this.#everyLane()) lane.close();
    for (const version of this.#versions.values()) version.retire();
    this.#circumstances.close();
  }

  #everyLane(): readonly Lane[] {
    return [...this.#lanes.values(), ...this.#leaving];
  }

  crowded(): boolean {
    return this.#context.dialer.crowded();
  }

  nowMs(): number {
    return this.#circumstances.nowMs();
  }

  readonly random = (): number => this.#circumstances.random();
}
