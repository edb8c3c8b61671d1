import type { Gathered } from './gathered.ts';
import type { ImportedRule } from './imported-rule.ts';
import type { Reader } from './reader.ts';
import { largest } from './to-mirror-routes.ts';
import { defaultConnectMs } from './upstream.ts';

/** Tells what a MirrorRoute does differently for every route, once each. */
export function tellDifferences(
  read: Reader,
  { mirrorTimeout }: Gathered,
  rules: readonly ImportedRule[],
): void {
  const [first] = rules;
  const mirror = rules.find((rule) => rule.mirror !== null)?.mirror;
  if (first === undefined || !mirror) return;

  read.note(
    first.where,
    'clients may connect from this machine and private networks: allowedClientCIDRs of the listener opens it to others',
  );
  if (mirrorTimeout === null) {
    read.note(
      mirror.where,
      'a copy may take 2s to connect and 15s in all, where APISIX waits 60s each to connect, to send and to read: give its config.yaml too if it says otherwise, or write timeouts of the mirror',
    );
  }
  read.note(
    mirror.where,
    'bodies of more than 1Mi are not copied, and counted: body.maxBytes of the mirror says how much',
  );
  tellConnect(read, rules);
}

/** Only one time to connect can be written for all rules. */
function tellConnect(read: Reader, rules: readonly ImportedRule[]): void {
  const times = rules.map(({ connectMs }) => connectMs ?? defaultConnectMs);
  const longest = largest(times);
  const other = rules.find((_, index) => times[index] !== longest);
  if (other === undefined) return;
  read.note(
    other.where,
    'the time to connect is one for all rules: it becomes the longest of theirs',
  );
}
