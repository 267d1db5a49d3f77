/**
 * Finds the values to suggest while a person types (K2).
 *
 * @module
 */

import { bounded } from "../../lib/text/cut.ts";
import type { Choice } from "./command.ts";

/** Maximum number of suggestions, and of characters of each, at Discord. */
const MAX_CHOICES = 25;
const MAX_LENGTH = 100;

/**
 * The choices that contain the typed text, those that begin with it first. A value that is too long
 * for Discord is left out.
 */
export function choicesFor(typed: string, all: readonly Choice[]): readonly Choice[] {
  const text = typed.trim().toLowerCase();
  const found = all.filter(({ name, value }) =>
    value.length <= MAX_LENGTH && `${name} ${value}`.toLowerCase().includes(text)
  );
  const first = (choice: Choice) => choice.value.toLowerCase().startsWith(text) ? 0 : 1;
  return found.toSorted((one, other) => first(one) - first(other)).slice(0, MAX_CHOICES)
    .map(({ name, value }) => ({ name: bounded(name, MAX_LENGTH), value }));
}
