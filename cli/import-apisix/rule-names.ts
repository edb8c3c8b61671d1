import type { ImportedRule } from './imported-rule.ts';

/** Where rules come from more places than one, none of their names is that of all. */
const nameOfMany = 'apisix';

export function resourceName(rules: readonly ImportedRule[]): string {
  const [only = nameOfMany, ...others] = new Set(rules.map(({ source }) => source.name));
  return others.length > 0 ? nameOfMany : toLabel(only);
}

/** One name for each rule, different ones; `null`: it needs none. */
export function ruleNames(rules: readonly ImportedRule[]): ReadonlyArray<string | null> {
  const hasOneSource = new Set(rules.map(({ source }) => source.name)).size === 1;
  const taken = new Set<string>();
  return rules.map(({ source, name }) => {
    if (hasOneSource && name === null) return null;
    const parts = hasOneSource ? [name] : [source.name, name];
    return claim(taken, toLabel(parts.filter((part) => part !== null).join('-')));
  });
}

function claim(taken: Set<string>, wanted: string): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) {
    const end = `-${number}`;
    name = wanted.slice(0, maxLength - end.length) + end;
  }
  taken.add(name);
  return name;
}

const maxLength = 63;

/** Lower-case letters, digits and hyphens (RFC 1123), and none of the names that rules have by themselves. */
export function toLabel(text: string): string {
  const label = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, maxLength)
    .replaceAll(/^-+|-+$/g, '');
  if (label === '') return 'route';
  return /^rule-[0-9]+$/.test(label) ? `apisix-${label}` : label;
}
