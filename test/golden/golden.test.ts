import { readFile } from 'node:fs/promises';
import test from 'ava';
import { checkForwardProxyConfig } from '../../contracts/kinds/forward-proxy/check-config.ts';
import { checkMirrorRouteConfig } from '../../contracts/kinds/mirror-route/check-config.ts';
import { goldenCases, resolveGolden } from './resolve-golden.ts';

const checks = {
  'forward-proxy': checkForwardProxyConfig,
  'mirror-route': checkMirrorRouteConfig,
};

for (const [folder, check] of Object.entries(checks)) {
  const cases = goldenCases().filter(({ title }) => title.startsWith(`${folder}/`));

  for (const golden of cases) {
    test(`${golden.title}: pods serve what they always served for it`, async (t) => {
      const config = await resolveGolden(golden);

      t.is(config, await readFile(golden.config, 'utf8'), 'wanted? then run node hack/golden.ts');
      t.is(check(JSON.parse(config)), null, 'a data plane takes it');
    });
  }
}
