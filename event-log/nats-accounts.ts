import {
  type Account,
  createAccount,
  createOperator,
  type Export,
  encodeAccount,
  encodeOperator,
  type Import,
} from '@nats-io/jwt';
import { fromSeed } from '@nats-io/nkeys';
import type { Subjects } from '../contracts/subjects.ts';
import { defaultApiPrefix, guestApiPrefix } from './nats-permissions.ts';

/** Seeds of everything a NATS server of our own trusts. Whoever has them may do everything there. */
export type NatsKeys = {
  readonly operator: string;
  /** Holds the streams; the operator's user belongs to it. */
  readonly account: string;
  /** Users that only read and acknowledge: pools and readers. */
  readonly guests: string;
};

/** What the JWTs of a server of our own say, for its configuration. */
export type NatsTrust = {
  readonly operatorJwt: string;
  readonly systemAccount: string;
  /** Public key → JWT. */
  readonly accounts: ReadonlyMap<string, string>;
};

const noLimits = {
  ...{ subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true },
  ...{ conn: -1, leaf: -1 },
};
const jetStream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

export function createNatsKeys(): NatsKeys {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return {
    operator: text(createOperator().getSeed()),
    account: text(createAccount().getSeed()),
    guests: text(createAccount().getSeed()),
  };
}

/** The name by which users and the server know an account. */
export function publicKeyOf(seed: string): string {
  return keyOf(seed).getPublicKey();
}

/**
 * Two accounts with a wall in between. A server sends its answers wherever a request wants them, and
 * writes them into any stream that listens there. So who may not write does not share an account
 * with the streams: its requests pass the wall one by one, and the answers stay on its own side.
 */
export async function signAccounts(keys: NatsKeys, subjects: Subjects): Promise<NatsTrust> {
  const operator = keyOf(keys.operator);
  const system = createAccount();
  const sign = (name: string, seed: string, account: Partial<Account>) =>
    encodeAccount(name, keyOf(seed), account, { signer: operator });
  const account = publicKeyOf(keys.account);
  const [ours, guests, systemJwt, operatorJwt] = await Promise.all([
    sign('headgate', keys.account, {
      limits: { ...noLimits, ...jetStream },
      exports: passages(subjects),
    }),
    sign('headgate-guests', keys.guests, {
      limits: noLimits,
      imports: passages(subjects).map((passage) => toImport(passage, account)),
    }),
    encodeAccount('system', system, {}, { signer: operator }),
    encodeOperator('headgate', operator, { system_account: system.getPublicKey() }),
  ]);
  return {
    operatorJwt,
    systemAccount: system.getPublicKey(),
    accounts: new Map([
      [account, ours],
      [publicKeyOf(keys.guests), guests],
      [system.getPublicKey(), systemJwt],
    ]),
  };
}

/** What may pass the wall; what each user may use of it is in the user's own permissions. */
function passages({ log, stream, ackStream }: Subjects): Export[] {
  const services = [stream, ackStream].flatMap((name) => [
    `${defaultApiPrefix}.STREAM.INFO.${name}`,
    `${defaultApiPrefix}.CONSUMER.CREATE.${name}`,
    `${defaultApiPrefix}.CONSUMER.CREATE.${name}.>`,
    `${defaultApiPrefix}.CONSUMER.INFO.${name}.*`,
    `$JS.FC.${name}.>`,
  ]);
  return [
    ...[...services, `${log}.ack.*.*`].map((subject) => passage('service', subject)),
    // Deliveries of consumers.
    passage('stream', `_HEADGATE.${log}.>`),
  ];
}

function passage(type: 'service' | 'stream', subject: string): Export {
  return { name: subject, subject, type, description: '', info_url: '' };
}

function toImport({ name, subject, type }: Export, account: string): Import {
  // Under `$JS.API` every account finds its own JetStream, and guests have none.
  const isApi = subject.startsWith(`${defaultApiPrefix}.`);
  const here = isApi ? guestApiPrefix + subject.slice(defaultApiPrefix.length) : subject;
  return { name, subject, type, account, local_subject: here };
}

function keyOf(seed: string) {
  return fromSeed(new TextEncoder().encode(seed.trim()));
}
