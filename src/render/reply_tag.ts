/**
 * Reads the tags by which a model says that its answer is a reply, and takes them out (R3).
 *
 * @module
 */

import { type MessageId, parseSnowflake } from "../core/discord/ids.ts";
import { codeRegions, isInCode } from "./markdown/code_region.ts";

export interface Tagged {
  /** Without tags, but for those in code. */
  readonly text: string;
  /** What the answer is to be a reply to: `current` is the message that is answered. */
  readonly replyTo?: "current" | { readonly messageId: MessageId };
}

/**
 * `[[reply_to_current]]` and `[[reply_to: 123]]`. One without an id is a tag too, and asks for
 * nothing; one bracket is enough to end it.
 */
const TAG = /\[\[\s{0,99}(?:reply_to_current|reply_to\s{0,99}:([^\]\n]{0,1000}))\s{0,99}\]{1,2}/gi;

/**
 * Takes reply tags out of a text, and says what they ask for: the last id that is one, else the
 * current message where any tag asks for it or names what is no id.
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
  return { text: (kept + text.slice(from)).trim(), ...(replyTo !== undefined && { replyTo }) };
}

const ENDS_IN_SPACE = /(?:^|\s)$/;
const SPACE = /[^\S\n]*/y;

/** A tag between two words leaves one space. */
function withSpace(kept: string, text: string, end: number): string {
  const next = text[end];
  return next === undefined || /\s/.test(next) || ENDS_IN_SPACE.test(kept.slice(-1))
    ? kept
    : `${kept} `;
}

/** Of the spaces on both sides of a tag, those before it are enough. */
function skipSpaces(text: string, end: number, kept: string): number {
  if (!ENDS_IN_SPACE.test(kept.slice(-1))) return end;
  SPACE.lastIndex = end;
  return end + (SPACE.exec(text)?.[0].length ?? 0);
}
