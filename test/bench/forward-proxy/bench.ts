import { type Effort, type Figures, inScope, measure, say, warmUp } from '../measure.ts';
import type { Circumstances } from '../page.ts';
import { choose } from '../peer.ts';
import { startOrigin } from '../servers.ts';
import { type ForwardPeer, peers } from './peers.ts';
import { measureReload } from './reload.ts';
import { type Measured, report } from './report.ts';
import { loadOf, type WorkName, workNames } from './work.ts';

export type Options = Effort &
  Pick<Circumstances, 'date' | 'loadBefore'> & {
    readonly only: readonly string[] | undefined;
    readonly edits: number;
  };

/** ForwardProxy against other proxies: the page under docs/benchmarks. */
export async function benchForwardProxy(options: Options): Promise<string> {
  const { present, missing } = choose(peers, options.only);
  return await inScope(async (scope) => {
    const { port: originPort } = await startOrigin(scope);
    const measured: Measured[] = [];
    for (const peer of present) {
      for (const work of workNames) {
        say(`${peer.name}: ${work} …`);
        measured.push({
          peer: peer.name,
          work,
          ...(await measureWork(peer, work, originPort, options)),
        });
      }
    }
    say('reload …');
    const reloadMs = await measureReload(scope, originPort, options.edits);
    const versions = present
      .filter(({ name }) => !name.includes(' '))
      .map((peer) => [peer.name, peer.version()] as const);
    return report({ ...options, versions, missing, measured, reloadMs });
  });
}

/** In a process of its own for each figure: memory is then of this work alone. */
async function measureWork(
  peer: ForwardPeer,
  work: WorkName,
  originPort: number,
  effort: Effort,
): Promise<Figures> {
  return await inScope(async (scope) => {
    const proxy = await peer.start(scope);
    const load = loadOf(work, originPort);
    await warmUp(proxy, load, effort);
    return await measure(proxy, load, effort);
  });
}
