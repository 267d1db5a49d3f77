/**
 * Cuts results of tools that a request has no room for, and says so in them. Finds such results in a
 * request, so that the turn's steps have them too, and `barnacle why` shows them.
 */

import type { ModelMessage } from "../core/model.ts";
import type { CutResult, Step } from "../core/step.ts";
import { clip } from "../lib/text/cut.ts";

/** In place of a result that a request has no room for. */
export const CLEARED = "[cleared: call the tool again if you need this result]";

/** Outside of the fence, so no page or person can have written it. */
const NOTE = /\n\[cut for room: you see (\d{1,9}) of the \d{1,9} characters of this result\]$/;

/**
 * Leaves out the middle of a result that is too long, and says so below it.
 *
 * @param max Maximum UTF-16 units, with the notes. In a room that is smaller than these, the notes come
 * on top.
 */
export function cutResult(text: string, max: number): string {
  if (text.length <= max) return text;
  const chars = Math.floor(max) - (max < 2 * NOTES_CHARS ? 0 : NOTES_CHARS);
  return `${clip(text, chars)}\n` +
    `[cut for room: you see ${chars} of the ${text.length} characters of this result]`;
}

/** More than both notes have: that in place of the middle, and that below. */
const NOTES_CHARS = 150;

/**
 * Finds results that a request shows in part, and that the steps do not have as such yet.
 *
 * @param request All messages of the request; those of the steps are the last ones.
 * @returns `undefined` if there are none.
 */
export function newCuts(
  steps: readonly Step[],
  request: readonly ModelMessage[],
): readonly CutResult[] | undefined {
  const results = steps.flatMap((step) => step.kind === "result" ? [step.text] : []);
  if (results.length === 0) return undefined;
  const shown = request.filter(({ role }) => role === "tool").slice(-results.length);
  if (shown.length < results.length) return undefined; // a request without tools shows no results
  const known = new Map(
    steps.flatMap((step) => step.kind === "cut" ? step.results : [])
      .map(({ result, chars }) => [result, chars]),
  );
  const cuts = results.flatMap((whole, result) => {
    const text = shown[result]?.text ?? whole;
    if (text === whole) return [];
    const chars = text === CLEARED ? 0 : Number(NOTE.exec(text)?.[1] ?? text.length);
    return known.get(result) === chars ? [] : [{ result, chars }];
  });
  return cuts.length > 0 ? cuts : undefined;
}
