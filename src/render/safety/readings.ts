/**
 * Lists the ways to read a text in which a secret may appear.
 *
 * @module
 */

import { unescaped } from "./escapes.ts";
import { folded } from "./folds.ts";
import { numbersRead } from "./number_codes.ts";
import type { View } from "./view.ts";

/** The readings of a text besides the text itself; most texts have none. */
export function readingsOf(text: string): readonly View[] {
  const fold = folded(text);
  return [
    ...decoded(text),
    ...(fold ? [fold, ...decoded(fold.text, fold)] : []),
  ];
}

function decoded(text: string, original?: View): readonly View[] {
  return [...unescaped(text, original), ...numbersRead(text, original)];
}
