import { readFile } from 'node:fs/promises';
import test from 'ava';
import { isForwardProxyConfig } from '../../contracts/kinds/forward-proxy/check-config.ts';
import { goldenCases, resolveGolden } from './resolve-golden.ts';

for (const golden of goldenCases()) {
  test(`${golden.title}: pods serve what they always served for it`, async (t) => {
    const config = await resolveGolden(golden);

    t.is(config, await readFile(golden.config, 'utf8'), 'wanted? then run node hack/golden.ts');
    t.true(isForwardProxyConfig(JSON.parse(config)), 'a data plane takes it');
  });
}
