/**
 * What a session remembers: entries in order, append only.
 *
 * @module
 */

import type { MessageId } from "../discord/ids.ts";
import type { InboundMessage, Sender } from "./inbound.ts";

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
  /** As {@link labelOf} has it. Untrusted. */
  readonly tag: string;
  readonly authorId: string;
  /** Untrusted; extras described in words. */
  readonly text: string;
  readonly replyTo?: MessageId;
  /** Unix time in milliseconds. */
  readonly sentAt: number;
}

/**
 * What a model reads somebody as: `"ada"`, `"ada#1234"`, or `"Aria (PK:The Crew)"` of a member whom
 * PluralKit speaks for (P13). Members name themselves as they like, so parentheses are ours alone.
 */
export function labelOf({ username, tag, pluralkit }: Sender): string {
  if (!pluralkit) return tag ?? username;
  const { name, system } = pluralkit;
  return `${plain(name)} (${system === undefined ? "PK" : `PK:${plain(system)}`})`;
}

function plain(name: string): string {
  return name.replace(/[([]/g, "‹").replace(/[)\]]/g, "›");
}

/** What is kept of a message: its text, and a line of words for each thing beside it. */
export function toOverheard(
  { id, sender, text, extras, quoted, sentAt }: InboundMessage,
): Overheard {
  const lines = extras.map((extra) => `[${extra.kind}: ${extra.text}]`).join("\n");
  return {
    messageId: id,
    tag: labelOf(sender),
    authorId: sender.id,
    text: text === "" || lines === "" ? text + lines : `${text}\n${lines}`,
    ...(quoted && { replyTo: quoted.id }),
    sentAt,
  };
}
