import type { Finding, RefusalReason } from '../../contracts/conditions.ts';
import type { ConfigOf, EventOf, Kind, SpecOf, StateOf } from '../../contracts/kinds/all-kinds.ts';
import type { Decided } from '../../contracts/kinds/decided.ts';
import type { Serving } from '../../contracts/kinds/lifecycle.ts';
import type { Sharing } from '../../contracts/kinds/mirror-route/sharing.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import type { ServiceReference } from '../../contracts/service-reference.ts';
import type { RolloutFacts } from './conditions.ts';
import type { Health, HealthFacts } from './health.ts';

/** A Secret that a spec refers to, and the fields of it that pods need. */
export type SecretReference = {
  readonly namespace: string;
  readonly name: string;
  readonly fields: readonly string[];
};

/** What is known of a Service: its TCP ports, or why it cannot be used. */
export type KnownService =
  | { readonly found: true; readonly ports: readonly number[] }
  | {
      readonly found: false;
      readonly message: string;
      /** Nobody permits it. */
      readonly denied?: true;
    };

/** A Secret with the certificates of authorities, which are none: they stand in configurations. */
export type CaReference = { readonly namespace: string; readonly name: string };

/** What is known of such a Secret: its certificates, PEM, or why there are none to be used. */
export type KnownCa =
  | { readonly found: true; readonly pem: string }
  | { readonly found: false; readonly message: string };

/** What the references of a spec come to, and what else is known of the resource. */
export type Resolved = {
  /** One digest per Secret of `secretsOf`, in order. */
  readonly digests: readonly string[];
  readonly serviceOf: (reference: ServiceReference) => KnownService;
  readonly caOf: (reference: CaReference) => KnownCa;
  /** When the resource was made; empty: not known. */
  readonly created: string;
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

/** A listener, and what resources say of it that may have it together; `null`: only one may have it. */
export type ClaimedListener = Listener & { readonly sharing: Sharing | null };

/** What the control loop has to know about a kind. Everything in it is pure. */
export type Decider<K extends Kind> = {
  poolOf(spec: SpecOf<K>): string;
  secretsOf(spec: SpecOf<K>, key: ResourceKey): readonly SecretReference[];
  /** What is wrong with the material of one of its secrets; never quotes it. */
  checkSecret(reference: SecretReference, fields: Readonly<Record<string, string>>): Refusal | null;
  servicesOf(spec: SpecOf<K>, key: ResourceKey): readonly ServiceReference[];
  casOf(spec: SpecOf<K>, key: ResourceKey): readonly CaReference[];
  /** Spec → config. */
  resolve(spec: SpecOf<K>, key: ResourceKey, resolved: Resolved): Outcome<K>;
  listenersOf(config: ConfigOf<K>): readonly ClaimedListener[];
  /** How long its connections may take to end when it is drained, milliseconds. */
  drainMsOf(config: ConfigOf<K>): number;
  secretsIn(config: ConfigOf<K>): readonly SecretReference[];
  servicesIn(config: ConfigOf<K>): readonly ServiceReference[];
  casIn(config: ConfigOf<K>): readonly CaReference[];
  /** The same configuration with what it refers to as that is now. */
  withReferences(config: ConfigOf<K>, resolved: Resolved): Outcome<K>;
  /** Says what has to happen. Called again with the result applied, it answers `[]`. */
  decide(state: StateOf<K>, considered: Considered<K>): readonly EventOf<K>[];
  conditions(state: StateOf<K>, rollout: RolloutFacts | null): readonly Finding[];
  /** How the parts of the version in force are. `before`: what its status says of them. */
  health(serving: Serving<ConfigOf<K>>, facts: HealthFacts, before: Health['mirrors']): Health;
};
