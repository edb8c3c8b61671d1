import {
  defaultPriorities,
  lastOfEach,
  type Plugin,
  pluginNamed,
  refuseOthers,
} from './plugins.ts';
import { type ProxyMirror, readProxyMirror } from './proxy-mirror.ts';
import { noRewrite, type Rewrite, readProxyRewrite } from './proxy-rewrite.ts';
import type { Reader } from './reader.ts';
import type { WrittenPath } from './written.ts';

/** What the plugins of a route come to. */
export type PluginParts = {
  readonly mirror: ProxyMirror | null;
  readonly rewrite: Rewrite;
  readonly rewrittenFirst: boolean;
};

/** `plugins` as they were found; of two with one name the later one is in force. */
export function readRoutePlugins(
  read: Reader,
  plugins: readonly Plugin[],
  paths: readonly WrittenPath[],
): PluginParts {
  const inForce = lastOfEach(plugins);
  refuseOthers(read, inForce);
  const mirror = pluginNamed(inForce, 'proxy-mirror');
  const rewrite = pluginNamed(inForce, 'proxy-rewrite');
  return {
    mirror: mirror === null ? null : readProxyMirror(read, mirror.config),
    rewrite: rewrite === null ? noRewrite : readProxyRewrite(read, rewrite.config, paths),
    rewrittenFirst: priorityOf('proxy-rewrite', rewrite) > priorityOf('proxy-mirror', mirror),
  };
}

/** A filter of an HTTPRoute is made a plugin with the default one. */
function priorityOf(name: keyof typeof defaultPriorities, plugin: Plugin | null): number {
  return plugin?.priority ?? defaultPriorities[name];
}
