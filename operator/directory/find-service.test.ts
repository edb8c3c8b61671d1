import test, { type ExecutionContext } from 'ava';
import { makeDirectory, validator } from '../../test/support/directory-source.ts';
import { refuseReference } from './find-service.ts';
import { readDirectory } from './read-directory.ts';

const reference = {
  kind: 'MirrorRoute',
  from: 'team-a',
  namespace: 'team-b',
  name: 'shop',
} as const;
const from = '{group: headgate.dev, kind: MirrorRoute, namespace: team-a}';
const grant = (to: string, version = 'v1', namespace = 'team-b') => `---
apiVersion: gateway.networking.k8s.io/${version}
kind: ReferenceGrant
metadata: {name: ${version}, namespace: ${namespace}}
spec:
  from:
    - ${from}
  to:
    - ${to}
`;
const toShop = '{group: "", kind: Service, name: shop}';

async function read(t: ExecutionContext, text: string) {
  const { entries, problems } = await readDirectory(
    [await makeDirectory(t, { 'grants.yaml': text })],
    validator,
  );
  return {
    refused: refuseReference(entries, reference),
    problems: problems.map(({ line, field, message }) => `${line}:${field}: ${message}`),
  };
}

for (const version of ['v1', 'v1beta1']) {
  test(`a ReferenceGrant ${version} of the Service's namespace permits it`, async (t) => {
    t.deepEqual(await read(t, grant(toShop, version)), { refused: null, problems: [] });
  });
}

test('one of another namespace, or for another Service, does not', async (t) => {
  const others =
    grant(toShop, 'v1', 'team-a') + grant('{group: "", kind: Service, name: cart}', 'v1beta1');

  const { refused, problems } = await read(t, others);

  t.deepEqual(problems, []);
  t.like(refused, { found: false, denied: true });
  t.is(refused?.forbidden, undefined);
  t.regex(refused?.message ?? '', /no ReferenceGrant there permits it: namespace team-b needs one/);
});

const mistakes: ReadonlyArray<readonly [to: string, problem: string]> = [
  [
    '{group: "", kind: Service, nmae: shop}',
    '9:spec.to[0].nmae: is not a known field; did you mean "name"?',
  ],
  ['{kind: Service}', '9:spec.to[0].group: is missing'],
  [
    '{group: "", kind: Service, name: ""}',
    '9:spec.to[0].name: is empty: write something, or leave the field out',
  ],
];

for (const [to, problem] of mistakes) {
  test(`one with a mistake permits nothing new, and takes nothing away: ${to}`, async (t) => {
    const { refused, problems } = await read(t, grant(to));

    t.deepEqual(problems, [problem]);
    t.like(refused, { found: false, denied: true, forbidden: true });
    t.regex(refused?.message ?? '', /ReferenceGrant v1 there has mistakes \(.*grants\.yaml:2\)/);
  });
}

test('another version of it is refused with those that are known', async (t) => {
  const { problems } = await read(t, grant(toShop, 'v1alpha2'));

  t.deepEqual(problems, [
    '2:apiVersion: of a ReferenceGrant is gateway.networking.k8s.io/v1 or gateway.networking.k8s.io/v1beta1, not "gateway.networking.k8s.io/v1alpha2"',
  ]);
});
