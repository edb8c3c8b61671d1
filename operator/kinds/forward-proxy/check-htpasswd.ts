const bcryptHash = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** Verifying at cost 15 takes seconds of a processor per log-in: a way to overload the proxy. */
const maxCost = 14;

/** RFC 1929 §2: the length of a user name is one byte. */
const maxUserBytes = 255;

/**
 * What is wrong with htpasswd lines, by line number, or `null`. Never quotes a hash: what it says is
 * shown in status and logs.
 */
export function findHtpasswdProblem(text: string): string | null {
  const lineOfUser = new Map<string, number>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;

    const user = line.slice(0, Math.max(line.indexOf(':'), 0));
    const problem = findLineProblem(line, user) ?? findRepetition(user, lineOfUser);
    if (problem !== null) return `line ${index + 1}: ${problem}`;
    lineOfUser.set(user, index + 1);
  }
  if (lineOfUser.size === 0)
    return 'it names no user: add the line `headgate htpasswd USER` prints';
  return null;
}

function findLineProblem(line: string, user: string): string | null {
  if (user === '') {
    return 'not user:hash. Write the line again with `headgate htpasswd USER`';
  }
  const [, cost] = bcryptHash.exec(line.slice(user.length + 1)) ?? [];
  if (cost === undefined) {
    return `the hash of this user is not bcrypt ($2a$, $2b$ or $2y$). Replace the line with what \`headgate htpasswd ${printable(user)}\` prints`;
  }
  if (Number(cost) < 4 || Number(cost) > maxCost) {
    return `bcrypt cost ${cost} is outside 4 to ${maxCost}. Replace the line with what \`headgate htpasswd ${printable(user)}\` prints`;
  }
  if (new TextEncoder().encode(user).length > maxUserBytes) {
    return `the user name is longer than ${maxUserBytes} bytes`;
  }
  return null;
}

function findRepetition(user: string, lineOfUser: ReadonlyMap<string, number>): string | null {
  const earlier = lineOfUser.get(user);
  return earlier === undefined
    ? null
    : `user ${printable(user)} already has line ${earlier}: remove one of them`;
}

/** A line without a colon may be a hash or a password; only what looks like a name is repeated. */
function printable(user: string): string {
  return /^[\w.@+-]{1,64}$/.test(user) ? user : 'USER';
}
