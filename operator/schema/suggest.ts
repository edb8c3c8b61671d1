/** The known name a misspelt one most likely meant; `null` when nothing is close. */
export function suggest(written: string, known: readonly string[]): string | null {
  const wanted = written.toLowerCase();
  let best: string | null = null;
  // A third of the letters may be wrong: enough for a slip, too little for another word. Two letters
  // that changed places are two wrong ones.
  let closest = (wanted.length < 4 ? 1 : Math.max(2, Math.floor(wanted.length / 3))) + 1;
  for (const name of known) {
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance < closest) [best, closest] = [name, distance];
  }
  return best;
}

/** Letters to insert, drop or replace to get from one word to the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  // Bounded, because `from` is whatever someone wrote.
  if (from.length > 64) return Number.POSITIVE_INFINITY;
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [row, letter] of Array.from(from).entries()) {
    const current = [row + 1];
    for (const [column, other] of Array.from(to).entries()) {
      const replace = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(replace, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
