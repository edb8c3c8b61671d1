import test from 'ava';
import { makeAuthority, makeCertificates, makeWeakCertificate } from '../../../test/support/tls.ts';
import { checkSecret } from './certificates.ts';

const reference = { namespace: 'team-a', name: 'shop-tls', fields: ['tls.crt', 'tls.key'] };

test('a chain with its key is taken, of whatever age', async (t) => {
  const authority = await makeAuthority(t);
  for (const isExpired of [false, true]) {
    const { cert, key } = await authority.issue({ isExpired });
    const material = { 'tls.crt': cert + authority.ca, 'tls.key': key };
    t.is(checkSecret(reference, material), null);
  }
});

test('what is no certificate, no key, or not its key, is said by field', async (t) => {
  const { ca, cert, key } = await makeCertificates(t);
  const message = (certificate: string | null, privateKey: string | null) => {
    const material = {
      ...(certificate === null ? {} : { 'tls.crt': certificate }),
      ...(privateKey === null ? {} : { 'tls.key': privateKey }),
    };
    const refusal = checkSecret(reference, material);
    t.is(refusal?.reason, 'InvalidCertificateRef');
    return refusal?.message;
  };

  const secret = 'Secret team-a/shop-tls';
  t.is(
    message(null, key),
    `${secret} has no key "tls.crt": put the certificate chain there, as PEM`,
  );
  t.is(message(cert, null), `${secret} has no key "tls.key": put the private key there, as PEM`);
  t.is(message('-----BEGIN', key), `${secret}, key "tls.crt", is not a PEM certificate`);
  t.is(message(cert, 'password'), `${secret}, key "tls.key", is not a PEM private key`);
  t.is(
    message(
      cert,
      '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----',
    ),
    `${secret}, key "tls.key", is encrypted: put the key there without a passphrase`,
  );
  const other = `${secret}: "tls.key" is not the key of the first certificate in "tls.crt"`;
  t.is(message(ca + cert, key), other);
});

test('what only OpenSSL finds wrong is said too: a key that is too short, a damaged chain', async (t) => {
  const weak = await makeWeakCertificate(t);
  const { cert, key } = await makeCertificates(t);
  const damaged = `${cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`;

  t.like(checkSecret(reference, { 'tls.crt': weak.cert, 'tls.key': weak.key }), {
    reason: 'InvalidCertificateRef',
    message: 'Secret team-a/shop-tls cannot be used for TLS: ee key too small',
  });
  t.regex(
    checkSecret(reference, { 'tls.crt': damaged, 'tls.key': key })?.message ?? '',
    /^Secret team-a\/shop-tls cannot be used for TLS: /,
  );
});
