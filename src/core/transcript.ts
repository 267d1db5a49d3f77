/**
 * What a session remembers: entries in order, append only.
 *
 * @module
 */

import type { MessageId } from "./ids.ts";
import type { InboundMessage } from "./inbound.ts";

export interface Entry {
  readonly role: "user" | "assistant";
  /** As the model read or wrote it; a user's is the whole envelope (H3). */
  readonly text: string;
  /** The message that a user's entry is, or that an assistant's answers. */
  readonly messageId: MessageId;
  /** Unix time in milliseconds. */
  readonly at: number;
}

/** A message that was said in a channel and not to the bot (H1). */
export interface Overheard {
  readonly messageId: MessageId;
  /** `"ada"`, or `"ada#1234"`. Untrusted. */
  readonly tag: string;
  readonly authorId: string;
  /** Untrusted; extras described in words. */
  readonly text: string;
  readonly replyTo?: MessageId;
  /** Unix time in milliseconds. */
  readonly sentAt: number;
}

/** What is kept of a message: its text, and a line of words for each thing beside it. */
export function toOverheard(
  { id, sender, text, extras, quoted, sentAt }: InboundMessage,
): Overheard {
  const lines = extras.map((extra) => `[${extra.kind}: ${extra.text}]`);
  return {
    messageId: id,
    tag: sender.tag ?? sender.username,
    authorId: sender.id,
    text: text === "" ? lines.join("\n") : [text, ...lines].join("\n"),
    ...(quoted && { replyTo: quoted.id }),
    sentAt,
  };
}
