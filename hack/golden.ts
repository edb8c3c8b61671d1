/**
 * Writes what tests compare with anew: test/golden/<kind>/<case>/config.json, and what imports make of
 * test/golden/import-apisix/<case>. Read the difference: it is the change as a user sees it.
 */
import { writeFileSync } from 'node:fs';
import { importCases, writeImport } from '../test/golden/import-apisix/import-cases.ts';
import { goldenCases, resolveGolden } from '../test/golden/resolve-golden.ts';

for (const golden of goldenCases()) writeFileSync(golden.config, await resolveGolden(golden));
for (const importCase of importCases()) await writeImport(importCase);
