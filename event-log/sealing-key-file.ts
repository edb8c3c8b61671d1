import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createSeal, type Seal } from './seal.ts';
import { parseSealingKeys, type SealingKey } from './sealing-keys.ts';

export type SealingKeyFile = Disposable & {
  /** With the keys that the file held when it was read last. */
  readonly seal: Seal;
  /** Looks at the file now; answers whether its keys are others than before. */
  reread(): Promise<boolean>;
};

type Options = {
  readonly file: string;
  readonly onChange: (keyIds: readonly string[]) => void;
  /** The file cannot be read or used: the keys known so far serve on. */
  readonly onProblem: (error: unknown) => void;
};

/** A mounted Secret is swapped as a whole, by a symlink; where no notice comes, this looks by itself. */
const lookMs = 10_000;

/** The seal of a process whose keys are rotated in a file while it runs. Throws if there is none at first. */
export async function openSealingKeyFile(options: Options): Promise<SealingKeyFile> {
  const { file, onChange, onProblem } = options;
  let text = await readFile(file, 'utf8');
  let keys: readonly SealingKey[] = parseSealingKeys(text, file);
  let turn: Promise<unknown> = Promise.resolve();

  async function look(): Promise<boolean> {
    try {
      const now = await readFile(file, 'utf8');
      if (now === text) return false;
      keys = parseSealingKeys(now, file);
      text = now;
    } catch (error) {
      onProblem(error);
      return false;
    }
    onChange(keys.map(({ id }) => id));
    return true;
  }

  function reread(): Promise<boolean> {
    const next = turn.then(look);
    turn = next;
    return next;
  }

  const timer = setInterval(() => void reread(), lookMs).unref();
  const watcher = watch(dirname(file), () => void reread());
  watcher.on('error', onProblem); // the timer goes on
  return {
    seal: createSeal(() => keys),
    reread,
    [Symbol.dispose]() {
      clearInterval(timer);
      watcher.close();
    },
  };
}
