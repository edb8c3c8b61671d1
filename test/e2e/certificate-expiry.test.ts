import { X509Certificate } from 'node:crypto';
import test from 'ava';
import { metricValue, seriesOf } from '../support/metrics.ts';
import { ruleTo, startRoutes, tlsSecret } from '../support/mirror-route.ts';
import { startRecorder } from '../support/recorder.ts';
import { makeAuthority } from '../support/tls.ts';

const name = 'headgate_certificate_expiration_timestamp_seconds';

test('until when a certificate is good is shown of the one in force, and of no other', async (t) => {
  const authority = await makeAuthority(t);
  const tls = { certificateRefs: [{ name: 'shop-tls' }] };
  const spec = { tls, rules: [ruleTo(await startRecorder(t))] };
  const issued = await authority.issue();
  const routes = await startRoutes(t, { shop: spec }, { documents: tlsSecret('shop-tls', issued) });
  const { up } = routes;
  const expiry = () => metricValue(up, `${name}{resource="test/shop",secret="test/shop-tls"}`);
  const secondsOf = (cert: string) => Date.parse(new X509Certificate(cert).validTo) / 1000;

  t.is(await expiry(), secondsOf(issued.cert));

  const expired = await authority.issue({ isExpired: true });
  await up.apply(routes.edited({}, tlsSecret('shop-tls', expired)));
  t.is(await expiry(), secondsOf(expired.cert));
  t.true((await expiry()) < Date.now() / 1000);

  const from = up.stdout.all.length;
  await up.write(routes.edited({}, tlsSecret('shop-tls', { ...issued, key: 'no key' })));
  await up.stdout.next((line) => line.startsWith('MirrorRoute/test/shop'), from);
  t.is(await expiry(), secondsOf(expired.cert), 'it is refused, and what was in force stays');

  await up.write('');
  await up.stdout.next((line) => line.includes('shop removed'));
  while ((await seriesOf(up, name)).length > 0);
});
