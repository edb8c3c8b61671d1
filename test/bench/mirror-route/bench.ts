import { type Effort, inScope, say } from '../measure.ts';
import type { Circumstances } from '../page.ts';
import { choose } from '../peer.ts';
import { startOrigin } from '../servers.ts';
import { type Measured, measureRoute } from './measure-route.ts';
import { peers } from './peers.ts';
import { report } from './report.ts';
import { situationsFor } from './situations.ts';

export type Options = Effort &
  Pick<Circumstances, 'date' | 'loadBefore'> & { readonly only: readonly string[] | undefined };

/** MirrorRoute against other proxies: the tables of its page under docs/benchmarks. */
export async function benchMirrorRoute(options: Options): Promise<string> {
  const { present, missing } = choose(peers, options.only);
  return await inScope(async (scope) => {
    const { port: primary } = await startOrigin(scope);
    const measured: Measured[] = [];
    for (const peer of present) {
      for (const situation of situationsFor(peer)) {
        say(`${peer.name}: ${situation.request}, mirror: ${situation.mirror} …`);
        measured.push(await measureRoute(peer, situation, primary, options));
      }
    }
    const versions = present.map((peer) => [peer.name, peer.version()] as const);
    return report({ ...options, versions, missing, measured });
  });
}
