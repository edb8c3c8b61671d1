import { allKinds, type Kind, kinds } from '../contracts/kinds/all-kinds.ts';
import { CommandFailed } from './exit-codes.ts';

/** `ForwardProxy`, `forwardproxies` and `fp`, in any case. */
export function findKind(text: string): Kind {
  const wanted = text.toLowerCase();
  const found = kinds.find((kind) => {
    const { plural, shortName } = allKinds[kind];
    return [kind.toLowerCase(), plural, shortName].includes(wanted);
  });
  if (found !== undefined) return found;
  throw new CommandFailed('usage', `there is no kind "${text}"; known: ${namesOfKinds()}`);
}

/** `forwardproxies (fp), mirrorroutes (mr)` */
export function namesOfKinds(): string {
  return kinds.map((kind) => `${allKinds[kind].plural} (${allKinds[kind].shortName})`).join(', ');
}
