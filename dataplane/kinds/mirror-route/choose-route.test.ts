import test from 'ava';
import {
  matchConfig,
  mirrorRouteConfig,
  ruleConfig,
} from '../../../test/support/mirror-route-config.ts';
import { chooseRoute } from './choose-route.ts';
import { compileHostnames } from './hostnames.ts';
import { compileRouteTable } from './route-table.ts';

/** A route for these hosts, with a rule for paths below `prefix`. */
const route = (name: string, hostnames: readonly string[], prefix = '/') => {
  const rules = [
    ruleConfig({ matches: [matchConfig({ path: { type: 'PathPrefix', value: prefix } })] }),
  ];
  const config = mirrorRouteConfig({ hostnames, rules });
  return {
    name,
    routing: { hostnames: compileHostnames(hostnames), table: compileRouteTable(config) },
  };
};

const chosen = (routes: readonly ReturnType<typeof route>[], host: string, url = '/') =>
  chooseRoute(routes, { rawHeaders: ['Host', host], url, method: 'GET' })?.name ?? null;

test('the closest hostname decides, not the age', (t) => {
  const routes = [
    route('any', []),
    route('wide', ['*.example']),
    route('narrow', ['*.shop.example']),
    route('exact', ['eu.shop.example']),
  ];

  t.is(chosen(routes, 'eu.shop.example:8080'), 'exact');
  t.is(chosen(routes, 'us.shop.example'), 'narrow');
  t.is(chosen(routes, 'shop.example'), 'wide');
  t.is(chosen(routes, 'elsewhere.test'), 'any');
  t.is(chosen(routes, 'eu.shop.example', 'http://us.shop.example/'), 'narrow');
});

test('of routes with the same hostname the oldest that has a rule answers', (t) => {
  const routes = [
    route('old', ['shop.example'], '/cart'),
    route('younger', ['shop.example'], '/cart/items'),
    route('youngest', ['shop.example'], '/pay'),
    route('any', []),
  ];

  t.is(chosen(routes, 'shop.example', '/cart/items'), 'old');
  t.is(chosen(routes, 'shop.example', '/pay?now'), 'youngest');
  t.is(chosen(routes, 'shop.example', '/elsewhere'), 'old', 'refuses it: not any other host’s');
});

test('what is nobody’s is for the oldest to refuse', (t) => {
  const routes = [route('old', ['a.example']), route('young', ['b.example'])];

  t.is(chosen(routes, 'c.example'), 'old');
  t.is(chosen(routes, ''), 'old');
  t.is(chosen(routes, 'b.example', 'no target'), 'old');
  t.is(chosen([], 'a.example'), null);
});
