import test from 'ava';
import { makeAuthority } from '../../test/support/tls.ts';
import { lookUpCaIn, readCa } from './ca-certificates.ts';

const reference = { namespace: 'team-a', name: 'ca' };
const found = (fields: Readonly<Record<string, string>>) => ({ found: true, fields }) as const;
const day = 24 * 3600 * 1000;

test('of a Secret only its certificates are taken', async (t) => {
  const [one, other] = [await makeAuthority(t), await makeAuthority(t)];
  const { key } = await one.issue();
  const text = `# ours\n${one.ca}\n${key}\nand theirs\n${other.ca}`;

  const known = readCa(reference, found({ 'ca.crt': text, 'tls.key': key }), Date.now());

  t.deepEqual(known, { found: true, pem: `${one.ca}${other.ca}` });
});

test('what cannot be used is said, and never quoted', async (t) => {
  const { ca } = await makeAuthority(t);
  const broken = ca.replace(/\n.{10}/, '\nAAAAAAAAAA');
  const said = (text: string) => {
    const known = readCa(reference, found({ 'ca.crt': text }), Date.now());
    return known.found ? 'it is fine' : known.message;
  };

  t.deepEqual(readCa(reference, found({ 'tls.crt': ca }), Date.now()), {
    found: false,
    message: 'Secret team-a/ca has no key "ca.crt": put PEM certificates there',
  });
  t.is(said('hunter2'), 'Secret team-a/ca has no PEM certificate in key "ca.crt"');
  t.is(
    said(`${ca}${broken}`),
    'Secret team-a/ca has a certificate in key "ca.crt", number 2, that cannot be read',
  );
  t.is(
    said(ca.padEnd(65_537, '\n')),
    'Secret team-a/ca has 65537 bytes in key "ca.crt", the limit is 65536',
  );
  t.is(said(ca.padEnd(65_536, '\n')), 'it is fine');
});

test('a Secret that is not there says so itself', (t) => {
  const message = 'there is no Secret team-a/ca';

  t.deepEqual(readCa(reference, { found: false, message }, 0), { found: false, message });
});

test('certificates that have expired vouch for nobody, unless another one is left', async (t) => {
  const { ca } = await makeAuthority(t);
  const secret = found({ 'ca.crt': ca });

  t.like(readCa(reference, secret, Date.now() + day), { found: true });
  const known = readCa(reference, secret, Date.now() + 3 * day);

  t.false(known.found);
  t.regex(
    'message' in known ? known.message : '',
    /^Secret team-a\/ca has only certificates in key "ca\.crt" that have expired, the last at 20\d\d-/,
  );
});

test('what was looked up is found by its name', (t) => {
  const caOf = lookUpCaIn([{ reference, known: { found: true, pem: 'PEM' } }]);

  t.deepEqual(caOf({ namespace: 'team-a', name: 'ca' }), { found: true, pem: 'PEM' });
  t.like(caOf({ namespace: 'team-b', name: 'ca' }), { found: false });
});
