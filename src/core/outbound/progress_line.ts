/**
 * The progress line of a turn: one message about its current work, with a Stop button (R8a).
 *
 * For the outbox it is a draft of the answer: the transaction that ends the turn deletes it, also
 * after a crash. But no message of the answer ever replaces it, because it has notified no one.
 *
 * @module
 */

import { type AnswerKey, nonceOf } from "./nonce.ts";
import type { DraftMessage } from "./draft.ts";
import { type OutboundMessage, STOP_BUTTON } from "./outbound.ts";

/** Begins each text of a line, so that the history tells a line whose rest has changed. */
export const PROGRESS_MARK = "⏳";

/** Above the number of messages that an answer may have. */
const PART = 10_000;

/** Maximum UTF-16 units at Discord: an operator's own words may be long. */
const MAX_LENGTH = 2_000;

/** The place of a line, and the turn that it belongs to. */
export interface ProgressPlace
  extends Omit<AnswerKey, "kind">, Pick<OutboundMessage, "accountId" | "channelId" | "guildId"> {
  /** Text of the Stop button. */
  readonly stopLabel: string;
}

/** The message of a line. */
export function progressLine(
  { accountId, channelId, guildId, stopLabel, ...answer }: ProgressPlace,
  text: string,
): DraftMessage {
  const of = { ...answer, kind: "draft" as const };
  return {
    accountId,
    channelId,
    guildId,
    nonce: nonceOf(of, PART),
    content: `${PROGRESS_MARK} ${text}`.slice(0, MAX_LENGTH),
    pings: { users: [], roles: [], quotedAuthor: false },
    isSilent: true,
    buttons: [{ customId: `${STOP_BUTTON}:${of.cause}`, label: stopLabel, style: "secondary" }],
    of: { ...of, part: PART, parts: PART + 1 },
  };
}

/** Whether a message is a progress line. */
export function isProgressLine({ of }: Pick<OutboundMessage, "of">): boolean {
  return of?.kind === "draft" && of.part === PART;
}
