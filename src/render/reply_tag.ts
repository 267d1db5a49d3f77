/**
 * Reads and removes the tags by which a model asks to reply to a message (R3).
 *
 * @module
 */

import { type MessageId, parseSnowflake } from "../core/discord/ids.ts";
import { codeRegions, isInCode } from "./markdown/code_region.ts";

/** A text and the request of its reply tags. */
export interface Tagged {
  /** The text without tags; tags in code stay. */
  readonly text: string;
  /** The message to reply to. `current`: the answered message. Absent without a tag. */
  readonly replyTo?: "current" | { readonly messageId: MessageId };
}

/**
 * `[[reply_to_current]]` and `[[reply_to: 123]]`. A tag without an id is removed and asks for
 * nothing. One closing bracket is enough.
 */
const TAG = /\[\[\s{0,99}(?:reply_to_current|reply_to\s{0,99}:([^\]\n]{0,1000}))\s{0,99}\]{1,2}/gi;

/**
 * Removes reply tags from a text, and reads them. The last valid id counts. Without one, a tag for
 * the current message or with an invalid id asks for the current message.
 */
export function takeReplyTags(text: string): Tagged {
  if (!text.includes("[[")) return { text };
  const code = codeRegions(text);
  let replyTo: Tagged["replyTo"];
  let kept = "";
  let from = 0;
  for (const { 0: tag, 1: target, index } of text.matchAll(TAG)) {
    if (isInCode(code, index)) continue;
    const id = target?.trim();
    const messageId = id === undefined ? undefined : parseSnowflake<"message">(id);
    if (messageId) replyTo = { messageId };
    else if (id !== "") replyTo ??= "current";
    kept = withSpace(kept + text.slice(from, index), text, index + tag.length);
    from = skipSpaces(text, index + tag.length, kept);
  }
  if (from === 0) return { text };
  return { text: (kept + text.slice(from)).trim(), replyTo };
}

const ENDS_IN_SPACE = /(?:^|\s)$/;
const SPACE = /[^\S\n]*/y;

/** Keeps one space in place of a tag between two words. */
function withSpace(kept: string, text: string, end: number): string {
  const next = text[end];
  return next === undefined || /\s/.test(next) || ENDS_IN_SPACE.test(kept.slice(-1))
    ? kept
    : `${kept} `;
}

/** Skips the spaces after a tag if there are spaces before it. */
function skipSpaces(text: string, end: number, kept: string): number {
  if (!ENDS_IN_SPACE.test(kept.slice(-1))) return end;
  SPACE.lastIndex = end;
  return end + (SPACE.exec(text)?.[0].length ?? 0);
}
