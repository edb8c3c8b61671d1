import test from 'ava';
import { makeCertificates, makeWeakCertificate } from '../../test/support/tls.ts';
import { findUnusable } from './tls-listener.ts';

test('a certificate that this OpenSSL refuses is found before a thread has to use it', async (t) => {
  const [{ cert, key }, weak] = [await makeCertificates(t), await makeWeakCertificate(t)];
  const sound = { certificate: cert, key };

  t.is(findUnusable({}), null);
  t.is(findUnusable({ 'team-a/shop': sound }), null);
  t.is(
    findUnusable({
      'team-a/shop': sound,
      'team-a/old': { certificate: weak.cert, key: weak.key },
    }),
    'the certificate in secret team-a/old cannot be used for TLS in this pod',
  );
});
