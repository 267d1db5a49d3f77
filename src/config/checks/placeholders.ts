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

/** The same for a secret, whose words are in any case, and which may be a part of an address. */
const SECRET_PLACEHOLDER =
  /(?:^|[-_/:@= \[])your[-_ ](?:[a-z]+[-_ ])*(?:key|token|secret|password|id|url|webhook|host|domain|topic|here)\b|(?:^|[-_/:@= ])<[^>]*>|[-_ ]here$|(?:change|replace)[-_ ]?(?:me|this|with)\b|(?:^|[-_/:])(?:x{3,12}|\*{3,}|\.{3}|…)(?:$|@)/i;

/** The name of a secret in its place, in capitals: a local server may take "secret" as its key. */
const SECRET_NAME = /^(?:[A-Z]+[-_])*(?:TOKEN|API[-_]?KEY|SECRET|PASSWORD|PASSPHRASE)$/;

export function isSecretPlaceholder(text: string): boolean {
  const secret = text.trim();
  return !/^\*+$/.test(secret) && // a blanked one
    (isPlaceholder(secret) || SECRET_PLACEHOLDER.test(secret) || SECRET_NAME.test(secret));
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
  return { path, message: `${quoted(text.trim())} is a placeholder`, hint: PLACEHOLDER_HINT };
}

/** How to replace any placeholder, for its problem. */
export const PLACEHOLDER_HINT: string =
  "write your own value there; for an ID, switch on Developer Mode in Discord's settings, under " +
  "Advanced, then right-click the server, channel, role or user, and copy its ID";
