/**
 * Finds placeholders of examples that the operator has not replaced: `"YOUR_SERVER_ID"` (P12).
 *
 * As a name, a placeholder matches no server and no person. So the bot would stay silent without any
 * error.
 */

import { quoted } from "../../lib/text/quoted.ts";
import { isList, isRecord, type KeyFault, type Segment } from "../text/tree.ts";

/**
 * `YOUR_…`, `…_HERE`, `CHANGE_ME` or `REPLACE_ME` in capitals, or a word for a value in angle
 * brackets. A person's name may begin with `your_`, but then it is in small letters.
 */
const PLACEHOLDER =
  /^(?:@|[a-z]+:)?(?:YOUR_[A-Z0-9_]+|[A-Z0-9_]+_HERE|(?:CHANGE|REPLACE)_?ME|<(?:[a-z]+[ _-])*(?:id|name|token|key|server|guild|channel|user|role)>)$/;

/** Whether a text is a placeholder, with or without a prefix such as `user:`. */
export function isPlaceholder(text: string): boolean {
  return PLACEHOLDER.test(text.trim().replace(/^<YOUR_([A-Z0-9_]+)>$/, "YOUR_$1"));
}

/** Placeholders for secrets, in any case: no token and no key looks like this. */
const SECRET_PLACEHOLDER =
  /^(?:Bearer |Bot )?(?:sk-)?(?:your[-_ ].*|.*[-_ ]here|<.*>|(?:change|replace)[-_ ]?(?:me|this)|x{3,12}|\.{3}|…)$/i;

/** Whether the text of a secret is a placeholder. */
export function isSecretPlaceholder(text: string): boolean {
  return isPlaceholder(text) || SECRET_PLACEHOLDER.test(text.trim());
}

/** How to replace the placeholder of a secret at a path. */
export function secretHint(path: readonly Segment[]): string {
  const isKnown = path[0] === "channels" || path[0] === "models";
  return isKnown ? hintFor("", path) : OWN_VALUE;
}

/** All placeholders of a file, in its order. */
export function placeholdersIn(value: unknown): readonly KeyFault[] {
  const found: KeyFault[] = [];
  const visit = (part: unknown, path: readonly Segment[]): void => {
    if (typeof part === "string" && isPlaceholder(part)) found.push(placeholder(part, path));
    if (isList(part)) {
      for (const [index, entry] of part.entries()) {
        visit(entry, [...path, index]);
      }
    }
    if (!isRecord(part)) return;
    for (const [key, child] of Object.entries(part)) {
      const here = [...path, key];
      if (isPlaceholder(key)) found.push(placeholder(key, here));
      visit(child, here);
    }
  };
  visit(value, []);
  return found;
}

function placeholder(text: string, path: readonly Segment[]): KeyFault {
  return { path, message: `${quoted(text.trim())} is a placeholder`, hint: hintFor(text, path) };
}

const DEVELOPER_MODE = "switch on Developer Mode in Discord's settings, under Advanced; then ";

/** By the words of the placeholder, or else by the key that has it. */
function hintFor(text: string, path: readonly Segment[]): string {
  const words = [text, ...path.toReversed().map(String)].map((word) => word.toLowerCase());
  for (const word of words) {
    const hint = HINTS.find(([pattern]) => pattern.test(word))?.[1];
    if (hint !== undefined) return hint;
  }
  return OWN_VALUE;
}

const OWN_VALUE = "write your own value there";

const HINTS: readonly (readonly [word: RegExp, hint: string])[] = [
  [/api_?key|provider/, 'write the key of your model provider, or "${NAME}" for a variable'],
  [
    /token/,
    "get the bot token in Discord's developer portal, under your application, Bot, Reset Token",
  ],
  [/channel/, `${DEVELOPER_MODE}right-click the channel, Copy Channel ID`],
  [/server|guild/, `${DEVELOPER_MODE}right-click the server, Copy Server ID`],
  [/role/, `${DEVELOPER_MODE}right-click the role in the server's settings, Copy Role ID`],
  [
    /user|owner|member|person|allowfrom|approvers|dms/,
    `${DEVELOPER_MODE}right-click the user, Copy User ID`,
  ],
];
