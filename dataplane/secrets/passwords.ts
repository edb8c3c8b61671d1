import bcrypt from 'bcrypt';
import type { FromWorker, PasswordResult } from '../workers/messages.ts';

/**
 * Checks passwords off the serving threads: bcrypt runs in libuv's pool, two at a time, with a
 * bounded queue. Holds the htpasswd lines; nobody else does.
 */
export type Passwords = {
  /** The users of one digest, from htpasswd lines. */
  learn(digest: string, htpasswd: string): void;
  /** Keeps only these digests. */
  retain(digests: ReadonlySet<string>): void;
  check(request: PasswordRequest, done: (result: PasswordResult) => void): void;
};

type PasswordRequest = Omit<FromWorker & { readonly type: 'checkPassword' }, 'type' | 'id'>;
type Waiting = {
  readonly request: PasswordRequest;
  readonly done: (result: PasswordResult) => void;
};

const atOnce = 2;
const maxWaiting = 64;
const windowMs = 60_000;
const maxClients = 10_000;
/** Salt and hash of no password; the cost goes in front. */
const dummyTail = 'OwrIxgUe.HggOhN9ARO1POgWCQVJ7aLVwBs4fkiWprWo9QtZWEFcW';

type Users = {
  readonly hashes: ReadonlyMap<string, string>;
  /** Compared against for users there are not, so that their absence takes as long. */
  readonly dummy: string;
};

export function createPasswords(): Passwords {
  const users = new Map<string, Users>();
  const failures = createFailureCounts();
  const waiting: Waiting[] = [];
  let running = 0;

  function next(): void {
    const job = waiting.shift();
    if (job === undefined) return;
    const { request, done } = job;
    // Those that waited beside it may have failed meanwhile: a burst gets no more attempts.
    if (failures.count(request) >= request.attempts) {
      done('rate_limited');
      return next();
    }
    running++;
    const known = users.get(request.digest);
    const hash = known?.hashes.get(request.user);
    bcrypt.compare(request.password, hash ?? known?.dummy ?? dummyOf([]), (error, same) => {
      running--;
      const ok = error === undefined || error === null ? same && hash !== undefined : false;
      if (!ok) failures.add(request);
      done(ok ? 'ok' : 'wrong');
      next();
    });
  }

  return {
    learn(digest, htpasswd) {
      if (!users.has(digest)) users.set(digest, usersOf(parseHtpasswd(htpasswd)));
    },
    retain(digests) {
      for (const digest of users.keys()) if (!digests.has(digest)) users.delete(digest);
    },
    check(request, done) {
      if (failures.count(request) >= request.attempts) return done('rate_limited');
      if (waiting.length >= maxWaiting) return done('overloaded');
      waiting.push({ request, done });
      if (running < atOnce) next();
    },
  };
}

function usersOf(hashes: ReadonlyMap<string, string>): Users {
  return { hashes, dummy: dummyOf([...hashes.values()]) };
}

/** As costly as the hash in the middle: all have one cost, unless somebody mixed them. */
function dummyOf(hashes: readonly string[]): string {
  const costs = hashes.map((hash) => hash.slice(4, 6)).sort();
  return `$2b$${costs[costs.length >> 1] ?? '10'}$${dummyTail}`;
}

/** `user:$2y$…` lines; what is no bcrypt hash was refused when the resource was accepted. */
function parseHtpasswd(text: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, user, hash] = /^([^:#][^:]*):(\$2[aby]\$\S+)\s*$/.exec(line.trim()) ?? [];
    // $2y$ and $2b$ are two names of one algorithm; the library knows the second.
    if (user !== undefined && hash !== undefined) users.set(user, hash.replace(/^\$2y\$/, '$2b$'));
  }
  return users;
}

/** Failures of each client at each resource in the running minute. */
function createFailureCounts() {
  let counts = new Map<string, number>();
  let windowEndsMs = 0;
  const keyOf = ({ uid, client }: PasswordRequest) => `${uid} ${client}`;
  const roll = () => {
    const nowMs = Date.now();
    if (nowMs < windowEndsMs) return;
    counts = new Map();
    windowEndsMs = nowMs + windowMs;
  };
  return {
    count(request: PasswordRequest): number {
      roll();
      return counts.get(keyOf(request)) ?? 0;
    },
    add(request: PasswordRequest): void {
      roll();
      const key = keyOf(request);
      if (counts.size < maxClients || counts.has(key)) counts.set(key, (counts.get(key) ?? 0) + 1);
    },
  };
}
