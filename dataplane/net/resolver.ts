import { Resolver } from 'node:dns';
import { readFileSync } from 'node:fs';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { AddressFamily } from '../../contracts/kinds/forward-proxy/config.ts';
import { type Ip, parseIp } from '../protocols/ip-address.ts';

/**
 * Names to addresses, without `getaddrinfo`, whose four threads a few dead servers can block
 * (measured: an honest look-up waited 20 s). Hosts file, search list, cache by TTL, one question at
 * a time per name, and a cap on questions under way.
 */
export type NameResolver = {
  /** Calls back once: at once (before returning) from the hosts file or the cache. */
  resolve(name: string, options: ResolveOptions, done: Resolved): void;
};

export type ResolveOptions = { readonly family: AddressFamily; readonly timeoutMs: number };
export type Resolved = (failure: ErrorCode | null, addresses: readonly Ip[]) => void;

export type ResolverSettings = {
  /** `host:port`; empty: those of `resolvConf`. */
  readonly servers: readonly string[];
  readonly hostsFile: string;
  readonly resolvConf: string;
  readonly observe: (result: LookupResult, seconds: number | null) => void;
};

export type LookupResult = 'cached' | 'ok' | 'not_found' | 'timeout' | 'error';

const minTtlMs = 5_000;
const maxTtlMs = 300_000;
const negativeTtlMs = 5_000;
const maxEntries = 1024;
const maxOutstanding = 256;

type Answer = { readonly failure: ErrorCode | null; readonly addresses: readonly Ip[] };
type Entry = Answer & { readonly expiresMs: number };
type Question = { readonly waiting: Resolved[] };
type RecordAnswer = { addresses: Ip[]; ttlSeconds: number; error: string | null };

export function createResolver(settings: ResolverSettings): NameResolver {
  const { servers, search, ndots } = readResolvConf(settings);
  const hosts = readHosts(settings.hostsFile);
  const cache = new Map<string, Entry>();
  const asked = new Map<string, Question>();

  function remember(key: string, answer: Answer, ttlMs: number): void {
    if (cache.size >= maxEntries) {
      const oldest = cache.keys().next().value;
      if (oldest !== undefined) cache.delete(oldest);
    }
    cache.set(key, { ...answer, expiresMs: Date.now() + ttlMs });
  }

  function ask(key: string, name: string, options: ResolveOptions): void {
    const startedMs = Date.now();
    lookUp(name, options, { servers, search, ndots }, (answer, ttlSeconds) => {
      settings.observe(resultOf(answer.failure), (Date.now() - startedMs) / 1000);
      const ttlMs = Math.min(Math.max(ttlSeconds * 1000, minTtlMs), maxTtlMs);
      if (answer.failure === null) remember(key, answer, ttlMs);
      else if (answer.failure === 'dns_error') remember(key, answer, negativeTtlMs);
      const waiting = asked.get(key)?.waiting ?? [];
      asked.delete(key);
      for (const done of waiting) done(answer.failure, answer.addresses);
    });
  }

  return {
    resolve(name, options, done) {
      const local = hosts.get(name) ?? (isLocalhost(name) ? loopback : undefined);
      if (local !== undefined) {
        done(
          null,
          local.filter((ip) => familyFits(ip, options.family)),
        );
        return;
      }
      const key = `${options.family} ${name}`;
      const known = cache.get(key);
      if (known !== undefined && known.expiresMs > Date.now()) {
        settings.observe('cached', null);
        done(known.failure, known.addresses);
        return;
      }
      cache.delete(key);
      const question = asked.get(key);
      if (question !== undefined) {
        question.waiting.push(done);
      } else if (asked.size >= maxOutstanding) {
        settings.observe('error', null);
        done('dns_error', []);
      } else {
        asked.set(key, { waiting: [done] });
        ask(key, name, options);
      }
    },
  };
}

function resultOf(failure: ErrorCode | null): LookupResult {
  if (failure === null) return 'ok';
  return failure === 'dns_timeout' ? 'timeout' : 'not_found';
}

type Servers = {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly ndots: number;
};

/** Asks for each name of the search list in turn, both families at a time, within one time-out. */
function lookUp(
  name: string,
  { family, timeoutMs }: ResolveOptions,
  { servers, search, ndots }: Servers,
  done: (answer: Answer, ttlSeconds: number) => void,
): void {
  const tries = Math.max(1, Math.min(2, Math.floor(timeoutMs / 1000)));
  const resolver = new Resolver({ timeout: Math.max(100, Math.floor(timeoutMs / tries)), tries });
  if (servers.length > 0) resolver.setServers(servers);
  let finished = false;
  const finish = (answer: Answer, ttlSeconds: number) => {
    if (finished) return;
    finished = true;
    clearTimeout(timer);
    resolver.cancel();
    done(answer, ttlSeconds);
  };
  const timer = setTimeout(() => finish({ failure: 'dns_timeout', addresses: [] }, 0), timeoutMs);

  const candidates = candidateNames(name, search, ndots);
  const askNext = (at: number) => {
    const candidate = candidates[at];
    if (candidate === undefined) {
      finish({ failure: 'dns_error', addresses: [] }, 0);
      return;
    }
    askBoth(resolver, candidate, family, ({ addresses, ttlSeconds, error }) => {
      if (addresses.length > 0) finish({ failure: null, addresses }, ttlSeconds);
      else if (error === 'ETIMEOUT') finish({ failure: 'dns_timeout', addresses: [] }, 0);
      else if (!finished) askNext(at + 1);
    });
  };
  askNext(0);
}

/** resolv.conf(5): a name with fewer than `ndots` dots is tried with the search list first. */
function candidateNames(name: string, search: readonly string[], ndots: number): readonly string[] {
  const searched = search.map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}

function askBoth(
  resolver: Resolver,
  name: string,
  family: AddressFamily,
  done: (answer: RecordAnswer) => void,
): void {
  const answers: RecordAnswer[] = [];
  const expected = family === 'Auto' ? 2 : 1;
  const collect = (
    error: NodeJS.ErrnoException | null,
    records: readonly { readonly address: string; readonly ttl: number }[] = [],
  ) => {
    answers.push({
      addresses: records
        .map(({ address }) => parseIp(address))
        .filter((ip): ip is Ip => ip !== null),
      ttlSeconds: Math.min(...records.map(({ ttl }) => ttl)),
      error: error?.code ?? null,
    });
    if (answers.length === expected) done(merge(answers));
  };
  if (family !== 'IPv4') resolver.resolve6(name, { ttl: true }, collect);
  if (family !== 'IPv6') resolver.resolve4(name, { ttl: true }, collect);
}

/** Families in turn, IPv6 first, as RFC 8305 §4 dials them. */
function merge(answers: readonly RecordAnswer[]): RecordAnswer {
  const all = answers.flatMap(({ addresses }) => addresses);
  const six = all.filter(({ family }) => family === 6);
  const four = all.filter(({ family }) => family === 4);
  const addresses: Ip[] = [];
  for (let at = 0; at < Math.max(six.length, four.length); at++) {
    addresses.push(...six.slice(at, at + 1), ...four.slice(at, at + 1));
  }
  const timedOut = answers.some(({ error }) => error === 'ETIMEOUT');
  return {
    addresses,
    ttlSeconds: Math.min(...answers.map(({ ttlSeconds }) => ttlSeconds)),
    error: timedOut ? 'ETIMEOUT' : (answers[0]?.error ?? null),
  };
}

function familyFits({ family }: Ip, wanted: AddressFamily): boolean {
  return wanted === 'Auto' || (wanted === 'IPv4') === (family === 4);
}

/** RFC 6761 §6.3: never asked of a server. */
function isLocalhost(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}

const loopback = ['127.0.0.1', '::1'].map(parseIp).filter((ip): ip is Ip => ip !== null);

/** Read once: a hosts file that changes needs a restart, as for most programs. */
function readHosts(file: string): ReadonlyMap<string, readonly Ip[]> {
  const hosts = new Map<string, Ip[]>();
  for (const line of readLines(file)) {
    const [address = '', ...names] = line.split(/\s+/);
    const ip = parseIp(address);
    if (ip === null) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      hosts.set(key, [...(hosts.get(key) ?? []), ip]);
    }
  }
  return hosts;
}

function readResolvConf({ servers, resolvConf }: ResolverSettings): Servers {
  const search: string[] = [];
  let ndots = 1;
  for (const line of readLines(resolvConf)) {
    const [keyword, ...values] = line.split(/\s+/);
    if (keyword === 'search' || keyword === 'domain') {
      search.splice(0, search.length, ...values.filter((value) => value !== '.').slice(0, 6));
    }
    const option = values.find((value) => value.startsWith('ndots:'));
    if (keyword === 'options' && option !== undefined) ndots = Number(option.slice(6)) || 0;
  }
  // With servers of its own the process also has no search list but theirs: none.
  return servers.length > 0 ? { servers, search: [], ndots: 1 } : { servers: [], search, ndots };
}

function readLines(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.replace(/[#;].*$/, '').trim())
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}
