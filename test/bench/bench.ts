import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchForwardProxy } from './forward-proxy/bench.ts';
import { benchMirrorRoute } from './mirror-route/bench.ts';
import { writeBetweenMarks } from './page.ts';
import { benchSoak } from './soak.ts';

// npm run bench [-- forward-proxy mirror-route --seconds 8 --clients 16 --edits 200 --only headgate --output DIR]
// npm run bench -- soak [--requests 1000000 --minutes 20]: writes no page
const pages = ['forward-proxy', 'mirror-route'] as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '8' },
    clients: { type: 'string', default: '16' },
    edits: { type: 'string', default: '200' },
    requests: { type: 'string', default: '1000000' },
    minutes: { type: 'string', default: '20' },
    only: { type: 'string', multiple: true },
    output: { type: 'string', default: join(import.meta.dirname, '../../docs/benchmarks') },
  },
});
const names: readonly string[] = [...pages, 'soak'];
const unknown = positionals.find((name) => !names.includes(name));
if (unknown !== undefined) throw new Error(`${unknown}: there are ${names.join(', ')}`);
const wanted = pages.filter((page) => positionals.length === 0 || positionals.includes(page));

for (const page of wanted) {
  const [loadBefore = 0] = loadavg();
  const options = {
    date: new Date().toISOString().slice(0, 10),
    loadBefore,
    clients: Number(values.clients),
    seconds: Number(values.seconds),
    only: values.only,
  };
  const file = join(values.output, `${page}.md`);
  if (page === 'forward-proxy') {
    const text = await benchForwardProxy({ ...options, edits: Number(values.edits) });
    await writeFile(file, text);
    process.stdout.write(text);
  } else {
    const tables = await benchMirrorRoute(options);
    await writeBetweenMarks(file, tables);
    process.stdout.write(tables);
  }
}

if (positionals.includes('soak')) {
  const length = { requests: Number(values.requests), minutes: Number(values.minutes) };
  process.stdout.write(await benchSoak(length));
}
