import { createSocket } from 'node:dgram';
import { type Answer, decode, encode, type Packet, RECURSION_DESIRED } from 'dns-packet';
import type { Scope } from './teardowns.ts';

/** What a name has; a function is asked anew for each query. */
export type DnsRecords = {
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  readonly CNAME?: string;
  /** Seconds; default 0: never cached. */
  readonly ttl?: number;
  /** Instead of records: no such name, a server in trouble, or silence. */
  readonly fails?: 'NXDOMAIN' | 'SERVFAIL' | 'silence';
  /** The answer waits for this. */
  readonly after?: Promise<unknown>;
};

export type DnsServer = {
  readonly port: number;
  /** `127.0.0.1:PORT`, for `--dns-server` */
  readonly address: string;
  /** Names not set here do not exist. */
  set(name: string, records: DnsRecords | (() => DnsRecords)): void;
  /** How often a name was asked for, all record types together. */
  queriesFor(name: string): number;
};

/** A DNS server on loopback that says what the test tells it to. */
export async function startDnsServer(t: Scope): Promise<DnsServer> {
  const names = new Map<string, DnsRecords | (() => DnsRecords)>();
  const queries = new Map<string, number>();
  const socket = createSocket('udp4');

  const reply = async (message: Buffer, port: number, host: string) => {
    const query = decode(message);
    const question = query.questions?.[0];
    if (question === undefined) return;
    const name = question.name.toLowerCase();
    queries.set(name, (queries.get(name) ?? 0) + 1);
    const found = names.get(name) ?? { fails: 'NXDOMAIN' };
    const records = typeof found === 'function' ? found() : found;
    await records.after;
    if (records.fails === 'silence') return;
    const answers =
      records.fails === undefined ? answersFor(question.name, question.type, records) : [];
    const packet: Packet = {
      type: 'response',
      id: query.id ?? 0,
      flags: RECURSION_DESIRED | responseCode(records),
      questions: [question],
      answers,
    };
    socket.send(encode(packet), port, host, () => undefined);
  };
  socket.on('message', (message, { port, address }) => void reply(message, port, address));

  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  t.teardown(() => socket.close());
  const { port } = socket.address();
  return {
    port,
    address: `127.0.0.1:${port}`,
    set: (name, records) => names.set(name.toLowerCase(), records),
    queriesFor: (name) => queries.get(name.toLowerCase()) ?? 0,
  };
}

/** RFC 1035 §4.1.1 */
function responseCode({ fails }: DnsRecords): number {
  switch (fails) {
    case 'NXDOMAIN':
      return 3;
    case 'SERVFAIL':
      return 2;
    default:
      return 0;
  }
}

function answersFor(name: string, type: string, { A, AAAA, CNAME, ttl = 0 }: DnsRecords): Answer[] {
  if (CNAME !== undefined) return [{ name, type: 'CNAME', ttl, data: CNAME }];
  if (type === 'A') return (A ?? []).map((data) => ({ name, type: 'A', ttl, data }));
  if (type === 'AAAA') return (AAAA ?? []).map((data) => ({ name, type: 'AAAA', ttl, data }));
  return [];
}
