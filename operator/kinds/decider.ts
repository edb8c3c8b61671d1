import type { Finding, RefusalReason } from '../../contracts/conditions.ts';
import type { ConfigOf, EventOf, Kind, SpecOf, StateOf } from '../../contracts/kinds/all-kinds.ts';
import type { Decided } from '../../contracts/kinds/decided.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import type { RolloutFacts } from './conditions.ts';

/** A Secret that a spec refers to, and the fields of it that pods need. */
export type SecretReference = {
  readonly namespace: string;
  readonly name: string;
  readonly fields: readonly string[];
};

export type Refusal = { readonly reason: RefusalReason; readonly message: string };

/** What the newest version comes to, once references, ports and size are known. */
export type Outcome<K extends Kind> =
  | { readonly accepted: true; readonly config: ConfigOf<K> }
  | ({ readonly accepted: false } & Refusal);

/** What `decide` looks at; `null`: the resource is gone. */
export type Considered<K extends Kind> = {
  readonly decided: Decided;
  readonly outcome: Outcome<K>;
} | null;

export type Listener = {
  readonly listener: string;
  readonly address: string;
  readonly port: number;
};

/** What the control loop has to know about a kind. Everything in it is pure. */
export type Decider<K extends Kind> = {
  poolOf(spec: SpecOf<K>): string;
  secretsOf(spec: SpecOf<K>, key: ResourceKey): readonly SecretReference[];
  /** What is wrong with the material of one of its secrets; never quotes it. */
  checkSecret(reference: SecretReference, fields: Readonly<Record<string, string>>): Refusal | null;
  /** Spec → config. `digests` has one digest per reference, in order. */
  resolve(spec: SpecOf<K>, key: ResourceKey, digests: readonly string[]): Outcome<K>;
  listenersOf(config: ConfigOf<K>): readonly Listener[];
  secretsIn(config: ConfigOf<K>): readonly SecretReference[];
  /** The same configuration with its Secrets as they are now; one digest per reference, in order. */
  withDigests(config: ConfigOf<K>, digests: readonly string[]): ConfigOf<K>;
  /** Says what has to happen. Called again with the result applied, it answers `[]`. */
  decide(state: StateOf<K>, considered: Considered<K>): readonly EventOf<K>[];
  conditions(state: StateOf<K>, rollout: RolloutFacts | null): readonly Finding[];
};
