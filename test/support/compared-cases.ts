import test from 'ava';
import { ask } from './ask.ts';
import { untilCompared, untilCopies } from './copy-counts.ts';
import { mirrorTo, type Routes, ruleTo, startRoutes } from './mirror-route.ts';
import type { Message } from './peer.ts';
import { startRecorder } from './recorder.ts';
import { requestText } from './route-request.ts';
import { fileScope } from './scope.ts';

export type ComparedCase = {
  readonly title: string;
  readonly compare: Readonly<Record<string, unknown>>;
  /** Answers of backend and mirror. */
  readonly primary: string;
  readonly copy: string;
  /** Default: nothing is counted. */
  readonly result?: string;
  readonly outcome?: string;
};

/** A test per case; one process serves all of them, up to 16, each with a rule of its own. */
export function testComparing(cases: Readonly<Record<string, ComparedCase>>): void {
  const scope = fileScope();
  let routes: Routes<'compare'>;

  test.before('a route with a rule per case', async () => {
    const caseOf = (request: Message) => cases[request.field('x-case') ?? ''];
    const backend = await startRecorder(scope, (request) => caseOf(request)?.primary ?? '');
    const mirror = await startRecorder(scope, (request) => caseOf(request)?.copy ?? '');
    routes = await startRoutes(scope, {
      compare: {
        rules: Object.entries(cases).map(([name, { compare }]) =>
          ruleTo(backend, {
            name,
            matches: [{ headers: [{ name: 'X-Case', value: name }] }],
            mirrors: [mirrorTo(mirror, { compare })],
          }),
        ),
      },
    });
  });

  for (const [rule, { title, primary, result, outcome = 'answered' }] of Object.entries(cases)) {
    test(title, async (t) => {
      const text = requestText({ fields: [`X-Case: ${rule}`] });

      const answer = await ask(t, routes.portOf.compare, text);

      t.true(primary.endsWith(answer.body) && answer.body !== '');
      const mirrors = { resource: 'test/compare', rule };
      await untilCopies(routes.up, mirrors, { sent: { [outcome]: 1 } });
      await untilCompared(routes.up, mirrors, result === undefined ? {} : { [result]: 1 });
    });
  }
}
