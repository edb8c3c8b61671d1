import type { ExecutionContext } from 'ava';
import { isRecord } from '../../contracts/json.ts';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
  team,
} from './control-plane.ts';
import type { KubeApiOptions } from './kube-api.ts';
import { type Load, startLoad } from './load.ts';
import type { OperatorProcess } from './operator-process.ts';
import { echo, startOrigin, startTcpOrigin } from './origin.ts';
import type { PodProcess } from './pod-process.ts';
import { freePorts } from './ports.ts';
import { type ProxyVersions, type SeenProxy, watchVersions, wordOf } from './proxy-versions.ts';

/** A control plane with a pod that serves proxies, the first of them to clients that never stop asking. */
export type LoadedPlane = ControlPlane & {
  readonly operator: OperatorProcess;
  readonly pod: PodProcess;
  /** Requests that never end. */
  readonly load: Pick<Load, 'more'> & {
    /** For while nobody can serve. */
    pause(): Promise<void>;
    resume(): void;
  };
  readonly watched: ProxyVersions;
  readonly portOf: (name: string) => number;
  /** Changes one field of it, or makes it. */
  edit(name: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** After their definition was gone, and they with it. */
  makeAgain(...names: readonly string[]): Promise<void>;
  /** Every edit so far is served, and shown so. */
  settled(...names: readonly string[]): Promise<void>;
  /** Nothing of what was edited is lost or doubled, and no request failed. Ends the load. */
  audit(): Promise<void>;
  /** From now on stories begin anew: the log was lost. */
  forgetHistory(): void;
};

/** Between two requests of a client. */
const pauseMs = 20;

export async function startLoadedPlane(
  t: ExecutionContext,
  names: readonly string[],
  options: Partial<KubeApiOptions> &
    ControlPlaneOptions & { readonly laterNames?: readonly string[] } = {},
): Promise<LoadedPlane> {
  const { laterNames = [], ...planeOptions } = options;
  const plane = await startControlPlane(t, planeOptions);
  const { kube } = plane;
  const allNames = [...names, ...laterNames];
  const ports = await freePorts(allNames.length);
  const portOf = (name: string) => ports[allNames.indexOf(name)] ?? 0;
  const edits = new Map<string, number>();
  const stories = new Map<string, string[]>();
  function storyOf(name: string): string[] {
    const story = stories.get(name) ?? [];
    stories.set(name, story);
    return story;
  }

  async function edit(name: string): Promise<void> {
    const number = (edits.get(name) ?? 0) + 1;
    edits.set(name, number);
    storyOf(name).push(`configured@${number}`);
    await plane.applyProxy(name, portOf(name), { timeouts: { connect: `${number}s` } });
  }

  async function settled(...of: readonly string[]): Promise<void> {
    await Promise.all(
      of.map((name) => watched.until(name, (proxy) => isSettled(proxy, edits.get(name) ?? 0))),
    );
  }

  let watched = watchVersions(t, kube, team);
  for (const name of names) await edit(name);
  const pod = await plane.startPod('pod-1');
  await settled(...names);
  const [http, tcp] = [await startOrigin(t), await startTcpOrigin(t, echo)];
  const origins = { http: http.authority, echo: tcp.authority };
  const clients = { kept: 1, connect: 1, tunnel: 1 };
  const begin = () => startLoad(portOf(names[0] ?? ''), origins, clients, pauseMs);
  const loads = [begin()];
  const current = () => loads.at(-1) ?? begin();
  t.teardown(() => current().stop());
  const load: LoadedPlane['load'] = {
    more: (count) => current().more(count),
    pause: () => current().stop(),
    resume: () => void loads.push(begin()),
  };
  await load.more(10);

  return {
    ...{ ...plane, pod, load, portOf, edit, settled },
    get watched() {
      return watched;
    },
    async makeAgain(...gone) {
      watched = watchVersions(t, kube, team);
      for (const name of gone) {
        edits.delete(name);
        await edit(name);
      }
      await settled(...gone);
    },
    async remove(name) {
      edits.delete(name);
      storyOf(name).push('removed');
      await kube.kubectl('delete', 'forwardproxy', name, '--namespace', team);
    },
    forgetHistory() {
      stories.clear();
      for (const [name, number] of edits) stories.set(name, [`configured@${number}`]);
    },
    async audit() {
      await load.more(10);
      await load.pause();
      t.deepEqual(
        loads.flatMap(({ failures }) => failures),
        [],
      );
      const objects = await readProxies(plane);
      const entries = await plane.entries();
      for (const [name, story] of stories) {
        const own = entries.filter(({ event }) => event.subject === `ForwardProxy/${team}/${name}`);
        t.deepEqual(own.map(toWord), story, name);
        const inputs = own.map(({ event: { data } }) => (isRecord(data) ? data['inputs'] : null));
        t.false(
          inputs.some((each, index) => each !== undefined && each === inputs[index - 1]),
          `${name}: the same was recorded twice`,
        );
        const last = own.at(-1);
        const object = objects.find(({ metadata }) => metadata.name === name);
        if (object === undefined) continue;
        const { uid, generation } = object.metadata;
        t.like(last?.event.data, { uid, generation });
        t.is(object.status?.configVersion, last?.sequence);
        t.is(wordOf(object, 'Programmed'), 'True/Programmed');
      }
    },
  };
}

function isSettled(proxy: SeenProxy, generation: number): boolean {
  const { metadata, status } = proxy;
  return (
    metadata.generation === generation &&
    status?.observedGeneration === generation &&
    wordOf(proxy, 'Programmed') === 'True/Programmed' &&
    wordOf(proxy, 'Reconciling') === ''
  );
}

export async function readProxies({ kube }: ControlPlane): Promise<readonly SeenProxy[]> {
  const text = await kube.kubectl('get', 'forwardproxies', '--namespace', team, '--output=json');
  const { items } = JSON.parse(text) as { items: readonly SeenProxy[] };
  return items;
}

function toWord({ event: { type, data } }: Awaited<ReturnType<ControlPlane['entries']>>[number]) {
  const [, , , what = ''] = type.split('.');
  return what === 'removed' || !isRecord(data) ? what : `${what}@${data['generation']}`;
}
