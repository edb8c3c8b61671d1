import type { Validator } from '../../operator/schema/validator.ts';
import { acceptedRoute } from './accepted.ts';
import type { ImportedRule } from './imported-rule.ts';
import { type Input, readObjects } from './read-objects.ts';
import { readRules } from './read-rules.ts';
import { createReader, type Finding, type Reader } from './reader.ts';
import { sortObjects } from './sort-objects.ts';
import { tellDifferences } from './tell-differences.ts';
import { groupRules, type Listening } from './to-mirror-routes.ts';
import type { WrittenMirrorRoute } from './written.ts';

export type ImportOptions = Listening & {
  /** Of what names none. */
  readonly namespace: string;
};

export type Imported = {
  /** Every one is valid. What was refused is missing. */
  readonly routes: readonly WrittenMirrorRoute[];
  /** In the order in which they were found, each once. */
  readonly findings: readonly Finding[];
};

/** MirrorRoutes that do what the given configuration of APISIX does. */
export function importApisix(
  inputs: readonly Input[],
  options: ImportOptions,
  validator: Pick<Validator, 'validate'>,
): Imported {
  const read = createReader();
  const objects = inputs.flatMap((input) => readObjects(read, input));
  const gathered = sortObjects(read, objects, options.namespace);
  const rules = readRules(read, gathered, options.namespace);
  refuseNothing(read, inputs, rules);
  tellDifferences(read, gathered, rules);
  const routes = acceptedRoutes(read, validator, rules, options);
  return { routes, findings: distinct(read.findings) };
}

/** A forgotten file, most likely. */
function refuseNothing(
  read: Reader,
  inputs: readonly Input[],
  rules: readonly ImportedRule[],
): void {
  if (read.refused || rules.some(({ mirror }) => mirror !== null)) return;
  const [rule] = rules;
  const place = rule?.where.place ?? `${inputs.at(-1)?.file ?? ''}:1`;
  const what = rule === undefined ? 'there is no route' : 'no route has proxy-mirror';
  read.refuse({ place }, `${what} in the given files`);
}

function acceptedRoutes(
  read: Reader,
  validator: Pick<Validator, 'validate'>,
  rules: readonly ImportedRule[],
  { pool, port: firstPort }: Listening,
): readonly WrittenMirrorRoute[] {
  return groupRules(rules).flatMap((group, index) => {
    const port = firstPort + index;
    const [first] = group.rules;
    if (index > 0 && first !== undefined) {
      const message = `the MirrorRoute of namespace ${group.namespace} listens on ${port}, since a port belongs to one of them`;
      read.note(first.where, message);
    }
    const route = acceptedRoute(read, validator, group, { pool, port });
    return route === null ? [] : [route];
  });
}

function distinct(findings: readonly Finding[]): readonly Finding[] {
  const byText = findings.map(
    (finding) => [`${finding.place} ${finding.message}`, finding] as const,
  );
  return [...new Map(byText).values()];
}
