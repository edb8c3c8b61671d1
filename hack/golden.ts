/** Writes test/golden/<kind>/<case>/config.json anew. Read the difference: it is the change as a user sees it. */
import { writeFileSync } from 'node:fs';
import { goldenCases, resolveGolden } from '../test/golden/resolve-golden.ts';

for (const golden of goldenCases()) writeFileSync(golden.config, await resolveGolden(golden));
