/** What a test run is told from outside; nothing else in `test/` reads the environment. */
// biome-ignore lint/style/noProcessEnv: the one reader
const environment = process.env;

/** Worker threads of every `headgate up` that a test starts: `hack/test` runs the suites with 1 and with 2. */
export const testWorkers = Number(environment['HEADGATE_TEST_WORKERS'] ?? '1');

/** Repeats what a test of chance did: the number it printed. */
export const testSeed = Number(environment['HEADGATE_TEST_SEED'] ?? Date.now() % 2 ** 32);

/** On CI nothing that can run may be skipped. */
export const isContinuousIntegration = environment['CI'] === 'true';

/** The environment of a child process, without the proxy settings of the machine that would send it elsewhere. */
export function childEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(environment).filter(([name]) => !/_proxy$/i.test(name));
  return { ...Object.fromEntries(inherited), ...extra };
}
