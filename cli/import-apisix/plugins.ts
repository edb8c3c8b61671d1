import type { Found } from './found.ts';
import { isAbsent, type Reader } from './reader.ts';

/** A plugin that is in force for a route. */
export type Plugin = {
  readonly name: string;
  readonly config: Found;
  /** Of a route's plugins the one with the highest comes first. `null`: the default. */
  readonly priority: number | null;
};

/** Those that can be carried over, and where APISIX puts them if nobody says otherwise. */
export const defaultPriorities = {
  'proxy-mirror': 1010,
  'proxy-rewrite': 1008,
} as const;

/** What to do about some of the others. */
const advice: Readonly<Record<string, string>> = {
  prometheus: 'remove it: Headgate counts requests and copies by itself',
  'traffic-split': 'write its upstreams as backends with weights',
  'response-rewrite': 'write a filter of type ResponseHeaderModifier by hand',
  'request-id': 'remove it, or let the backend do that',
};
const otherwise = 'keep this route in APISIX, or remove the plugin';

/** `plugins` of the Admin API: a mapping by name. */
export function readPluginMap(read: Reader, plugins: Found): readonly Plugin[] {
  return read.entries(plugins).flatMap(([name, config]) => inForce(read, name, config));
}

/** `plugins` of a Kubernetes resource: a list. */
export function readPluginList(read: Reader, plugins: Found): readonly Plugin[] {
  return read.items(plugins).flatMap((plugin) => {
    read.onlyKnown(plugin, ['name', 'enable', 'config', 'secretRef']);
    const name = read.text(plugin.at('name'));
    if (name === null) {
      read.refuse(plugin, 'has no name');
      return [];
    }
    if (read.flag(plugin.at('enable')) === false) return [];
    const secretRef = plugin.at('secretRef');
    if (read.text(secretRef)) {
      read.refuse(secretRef, `${name} takes its configuration from a Secret: write it here`);
    }
    return inForce(read, name, plugin.at('config'));
  });
}

function inForce(read: Reader, name: string, config: Found): readonly Plugin[] {
  const meta = config.at('_meta');
  read.onlyKnown(meta, ['disable', 'priority', 'filter', 'error_response']);
  // Beside it, as versions before 3 have it.
  if (read.flag(meta.at('disable')) || read.flag(config.at('disable'))) return [];
  if (!isAbsent(meta.at('filter'))) {
    read.refuse(meta.at('filter'), `${name} for some requests of a route only: write two rules`);
  }
  const priority = read.number(meta.at('priority'));
  return [{ name, config, priority }];
}

/** Of several plugins with one name the last is in force, whole. */
export function lastOfEach(plugins: readonly Plugin[]): readonly Plugin[] {
  return [...new Map(plugins.map((plugin) => [plugin.name, plugin])).values()];
}

export function refuseOthers(read: Reader, plugins: readonly Plugin[]): void {
  for (const { name, config } of plugins) {
    if (Object.hasOwn(defaultPriorities, name)) continue;
    const what = Object.hasOwn(advice, name) ? advice[name] : otherwise;
    read.refuse(config, `plugin "${name}" cannot be carried over: ${what}`);
  }
}

export function pluginNamed(plugins: readonly Plugin[], name: string): Plugin | null {
  return plugins.find((plugin) => plugin.name === name) ?? null;
}
