import type { HeadgateUp } from './headgate-up.ts';
import { type RouteSpec, type RoutesOptions, startRoutes } from './mirror-route.ts';
import type { Peer } from './peer.ts';
import { startScriptedOrigin } from './scripted-origin.ts';
import type { Scope } from './teardowns.ts';

type Script = (backend: Peer, index: number) => Promise<void>;

/** A route with a backend that does, on each of its connections, what its test says. */
export type Stage = {
  /** Of the route. */
  readonly port: number;
  readonly resource: string;
  /** Connections the backend got so far, open or not. */
  readonly connections: readonly Peer[];
  play(script: Script): void;
};

export type Stages<Name extends string> = {
  readonly up: HeadgateUp;
  readonly stageOf: Readonly<Record<Name, Stage>>;
};

type SpecFor = (backend: { readonly authority: string }) => RouteSpec;

/** One `headgate up` for the tests of a file, each of which has a route and a backend of its own. */
export async function startStages<Name extends string>(
  scope: Scope,
  specs: Readonly<Record<Name, SpecFor>>,
  options: RoutesOptions = {},
): Promise<Stages<Name>> {
  const names = Object.keys(specs) as Name[]; // the keys of this very record
  const scripts = new Map<Name, Script>();
  const backends = await Promise.all(
    names.map((name) =>
      startScriptedOrigin(scope, (peer, index) => {
        const play = scripts.get(name);
        return play === undefined ? Promise.reject(new Error('no script')) : play(peer, index);
      }),
    ),
  );
  const specOf = (name: Name, at: number): RouteSpec =>
    specs[name](backends[at] ?? { authority: 'nowhere.invalid' });
  const { up, portOf } = await startRoutes<Name>(
    scope,
    Object.fromEntries(names.map((name, at) => [name, specOf(name, at)])) as Record<
      Name,
      RouteSpec
    >,
    options,
  );
  const stages = names.map((name, at): readonly [Name, Stage] => [
    name,
    {
      port: portOf[name],
      resource: `test/${name}`,
      connections: backends[at]?.connections ?? [],
      play: (script) => void scripts.set(name, script),
    },
  ]);
  return { up, stageOf: Object.fromEntries(stages) as Record<Name, Stage> };
}
