import { Command } from 'commander';
import { formatKey } from '../contracts/resource-key.ts';
import { readCa } from '../operator/control-loop/ca-certificates.ts';
import { findCrossProblems } from '../operator/control-loop/cross-check.ts';
import { known } from '../operator/control-loop/services.ts';
import type { ObservedSecret, Problem } from '../operator/control-loop/source.ts';
import { findService, refuseReference } from '../operator/directory/find-service.ts';
import { readDirectory } from '../operator/directory/read-directory.ts';
import { createValidator } from '../operator/schema/validator.ts';
import { CommandFailed } from './exit-codes.ts';
import { collect } from './options.ts';
import { printable } from './printable.ts';

export function validateCommand(): Command {
  return new Command('validate')
    .description('Check YAML files as `headgate up` would, without starting anything.')
    .requiredOption('-f, --filename <dir>', 'directory or file; may be given again', collect)
    .addHelpText(
      'after',
      `
Every problem is one line, file:line:field: message, on standard output; the exit code is 1 if there
is one. Checked are YAML, schema, rules between fields, names that occur twice, Secrets and Services
that are referred to, and ports that two resources want.

Examples:
  $ headgate validate -f proxies/
  $ headgate validate -f base/ -f overlays/production/ && git commit`,
    )
    .action(validate);
}

async function validate({ filename }: { readonly filename: readonly string[] }): Promise<void> {
  const { entries, problems } = await readDirectory(filename, createValidator());
  const resources = entries.flatMap((entry) => (entry.type === 'resource' ? [entry] : []));
  const secrets = new Map(
    entries.flatMap((entry) =>
      entry.type === 'secret' ? [[`${entry.namespace}/${entry.name}`, entry.secret] as const] : [],
    ),
  );
  const readSecret = (namespace: string, name: string): ObservedSecret =>
    secrets.get(`${namespace}/${name}`) ?? {
      found: false,
      message: `there is no Secret ${namespace}/${name}`,
    };
  const nowMs = Date.now();
  const crossed = findCrossProblems(
    resources.flatMap(({ kind, namespace, name, file, line, observed }) =>
      observed.valid ? [{ key: { kind, namespace, name }, file, line, spec: observed.spec }] : [],
    ),
    {
      readSecret,
      readService: (reference) =>
        refuseReference(entries, reference) ??
        known(findService(entries, reference.namespace, reference.name)),
      caOf: (ca) => readCa(ca, readSecret(ca.namespace, ca.name), nowMs),
    },
  );
  const all = [...problems, ...crossed];
  for (const problem of all) process.stdout.write(`${printable(formatProblem(problem))}\n`);
  if (all.length > 0) {
    throw new CommandFailed(
      'refused',
      `${all.length} ${all.length === 1 ? 'problem' : 'problems'} found`,
    );
  }
  const names = resources.map(formatKey);
  process.stdout.write(
    names.length === 0
      ? `there are no resources in ${filename.join(', ')}\n`
      : `${names.join('\n')}\nvalid: ${names.length}\n`,
  );
}

export function formatProblem({ file, line, field, message }: Problem): string {
  const place = line === 0 ? file : `${file}:${line}`;
  return field === '' ? `${place}: ${message}` : `${place}:${field}: ${message}`;
}
