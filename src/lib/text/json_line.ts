/**
 * Writes values with texts of people as JSON for a terminal or a pipe.
 *
 * @module
 */

import { UNPRINTABLE } from "./quoted.ts";

/** A value as JSON on one line. A terminal obeys none of its characters. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (character) => {
    let escaped = "";
    for (let at = 0; at < character.length; at++) {
      escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
    }
    return escaped;
  });
}
