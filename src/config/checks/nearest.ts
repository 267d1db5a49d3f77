/**
 * Finds the name that an operator probably meant.
 *
 * @module
 */

/** The number of letters to change from one word to the other. */
export type Distance = (one: string, other: string) => number;

/** Finds the most similar name. A third of its letters may differ, or two, and their case. */
export function nearestOf(
  written: string,
  names: readonly string[],
  distance: Distance,
): string | undefined {
  const plain = (word: string): string => word.toLowerCase().replace(/[_\s-]/g, "");
  if (written.length > 60) return undefined;
  let best: string | undefined;
  let least = written.length < 4 ? 2 : Math.max(3, Math.floor(written.length / 3) + 1);
  for (const word of names) {
    const [one, other] = [plain(written), plain(word)];
    const far = lettersOf(one) === lettersOf(other) ? 1 : distance(one, other);
    if (far < least) [best, least] = [word, far];
  }
  return best;
}

/** Two swapped letters count as one slip. */
function lettersOf(word: string): string {
  return word.split("").sort().join("");
}
