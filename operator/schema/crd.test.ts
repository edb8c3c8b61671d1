import { readFileSync } from 'node:fs';
import test from 'ava';
import { parse } from 'yaml';
import { allKinds, type Kind, kinds } from '../../contracts/kinds/all-kinds.ts';
import { crdFile, readCrd } from './crd.ts';

const statusOf = (kind: Kind) => readCrd(kind).schema.properties?.['status']?.properties ?? {};

for (const kind of kinds) {
  const { spec } = parse(readFileSync(crdFile(kind), 'utf8'));

  test(`a ${kind} is named in its definition as in the code`, (t) => {
    const { plural, shortName } = allKinds[kind];

    t.like(spec, {
      group: 'headgate.dev',
      scope: 'Namespaced',
      names: {
        ...{ kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
        ...{ shortNames: [shortName], categories: ['headgate'] },
      },
    });
  });

  test(`kubectl shows a ${kind}, and its status means, what it does for every kind`, (t) => {
    const first = parse(readFileSync(crdFile('ForwardProxy'), 'utf8')).spec.versions[0];
    const { additionalPrinterColumns, selectableFields, subresources } = spec.versions[0];

    t.deepEqual(additionalPrinterColumns, first.additionalPrinterColumns);
    t.deepEqual(selectableFields, first.selectableFields);
    t.deepEqual(subresources, first.subresources);
    const { mirrors, ...common } = statusOf(kind);
    t.deepEqual(common, statusOf('ForwardProxy'));
    t.is(mirrors !== undefined, kind === 'MirrorRoute');
  });
}
