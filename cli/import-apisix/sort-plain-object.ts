import type { Found, Placed } from './found.ts';
import { type Gathered, keep } from './gathered.ts';
import { isAbsent, type Reader } from './reader.ts';

/** What routes refer to by id. */
const referred = ['upstreams', 'services', 'plugin_configs'];

const besideRoutes = [
  ...['consumers', 'consumer_groups', 'plugin_metadata', 'plugins', 'protos', 'secrets', 'ssls'],
];

/** They change what routes do, though these do not name them; or they are routes of another kind. */
const farReaching = ['global_rules', 'stream_routes'];

/** What is not of Kubernetes: apisix.yaml, adc.yaml, config.yaml, objects and answers of the Admin API. */
export function sortPlainObject(read: Reader, gathered: Gathered, object: Found): void {
  const has = (...names: readonly string[]) => names.some((name) => !isAbsent(object.at(name)));

  if (has('plugin_attr', 'deployment')) takeConfig(read, gathered, object);
  else if (has('routes', ...referred)) sortFile(read, gathered, object);
  else if (Array.isArray(object.at('list').value)) {
    for (const item of read.items(object.at('list'))) sortStored(read, gathered, item);
  } else if (has('key') && has('value')) sortStored(read, gathered, object);
  else if (has('uri', 'uris')) gathered.plainRoutes.push({ route: object, service: null });
  else if (has('nodes', 'service_name')) keepById(read, gathered, 'upstreams', object);
  else if (has('upstream', 'upstream_id')) keepById(read, gathered, 'services', object);
  else if (has('plugins')) keepById(read, gathered, 'plugin_configs', object);
  else {
    const message =
      'nothing of APISIX that is known here: neither a resource with apiVersion and kind, nor a route, apisix.yaml, adc.yaml or config.yaml';
    read.refuse(object, message);
  }
}

function takeConfig(read: Reader, gathered: Gathered, config: Found): void {
  const timeout = config.at('plugin_attr').at('proxy-mirror').at('timeout');
  if (isAbsent(timeout)) return;
  const { mirrorTimeout: before } = gathered;
  if (before === null) gathered.mirrorTimeout = timeout;
  else read.refuse(timeout, `time-outs of proxy-mirror were given already, at ${before.place}`);
}

function keepById(read: Reader, gathered: Gathered, type: string, object: Found): void {
  const id = read.label(object.at('id'));
  if (id === null) read.note(object, `has no id, so that no route can mean it: it is left out`);
  else keep(read, gathered, `${type}/${id}`, object);
}

/** As the Admin API answers: `{"key": "/apisix/routes/1", "value": {…}}`. */
function sortStored(read: Reader, gathered: Gathered, stored: Found): void {
  const key = read.text(stored.at('key')) ?? '';
  const [, type = '', id = ''] = /\/(\w+)\/([^/]+)$/.exec(key) ?? [];
  const object = stored.at('value');
  if (type === 'routes') gathered.plainRoutes.push({ route: object, service: null });
  else if (referred.includes(type)) keep(read, gathered, `${type}/${id}`, object);
  else leaveOut(read, stored, type);
}

/** apisix.yaml has routes beside services, adc.yaml within them. */
function sortFile(read: Reader, gathered: Gathered, file: Found): void {
  for (const [name, part] of read.entries(file)) {
    if (name === 'routes') {
      takeRoutes(read, gathered, part, null);
    } else if (name === 'services') {
      for (const service of read.items(part)) sortService(read, gathered, service);
    } else if (referred.includes(name)) {
      for (const item of read.items(part)) keepById(read, gathered, name, item);
    } else if (!isEmpty(part)) leaveOut(read, part, name);
  }
}

function sortService(read: Reader, gathered: Gathered, service: Found): void {
  const routes = service.at('routes');
  if (isAbsent(routes)) keepById(read, gathered, 'services', service);
  else takeRoutes(read, gathered, routes, service);
}

function takeRoutes(read: Reader, gathered: Gathered, routes: Found, service: Found | null): void {
  for (const route of read.items(routes)) gathered.plainRoutes.push({ route, service });
}

function leaveOut(read: Reader, where: Placed, type: string): void {
  if (besideRoutes.includes(type)) {
    read.note(where, `${type} are left out: they are no part of a route`);
  } else if (farReaching.includes(type)) {
    const message = `${type} cannot be carried over: look what they do to your routes, and leave them out`;
    read.refuse(where, message);
  } else {
    read.refuse(where, `"${type}" is nothing of APISIX that is known here`);
  }
}

function isEmpty({ value }: Found): boolean {
  return typeof value !== 'object' || value === null || Object.keys(value).length === 0;
}
