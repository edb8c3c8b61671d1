import test from 'ava';
import { choosePlace, type PlaceOptions, type ProgramName } from './place.ts';

const placeOf = (options: Omit<PlaceOptions, 'logName'>, program: ProgramName = 'headgate') =>
  choosePlace({ logName: 'headgate', ...options }, program);

test('headgate looks at this directory, kubectl headgate at the current cluster', (t) => {
  t.deepEqual(placeOf({}), { is: 'directory', data: './.headgate' });
  t.like(placeOf({}, 'kubectl headgate'), { is: 'cluster', kubeconfig: null, context: null });
});

test('what is named is looked at, whatever the program is called', (t) => {
  for (const program of ['headgate', 'kubectl headgate'] as const) {
    t.deepEqual(placeOf({ data: 'd' }, program), { is: 'directory', data: 'd' });
    t.like(placeOf({ nats: 'nats://h' }, program), { is: 'nats', url: 'nats://h' });
    t.like(placeOf({ context: 'c' }, program), { is: 'cluster', context: 'c' });
    t.like(placeOf({ kubeconfig: 'f' }, program), { is: 'cluster', kubeconfig: 'f' });
    t.like(placeOf({ headgateNamespace: 'n' }, program), {
      is: 'cluster',
      headgateNamespace: 'n',
    });
  }
});

test('a log in NATS goes before the directory that has its key, as it does for `up`', (t) => {
  t.like(placeOf({ nats: 'nats://h', data: 'd' }), { is: 'nats' });
});

const contradictions: Readonly<Record<string, [Omit<PlaceOptions, 'logName'>, RegExp]>> = {
  'a directory and a cluster': [{ data: 'd', context: 'c' }, /^--data and --context name two/],
  'NATS and a cluster': [{ nats: 'n', kubeconfig: 'f' }, /^--nats and --kubeconfig name two/],
  'credentials without NATS': [{ creds: 'f' }, /^--creds goes with --nats/],
  'certificates without NATS': [{ ca: 'f', data: 'd' }, /^--ca goes with --nats/],
};

for (const [what, [options, message]] of Object.entries(contradictions)) {
  test(`${what} are refused instead of guessed at`, (t) => {
    t.throws(() => placeOf(options), { message });
  });
}
