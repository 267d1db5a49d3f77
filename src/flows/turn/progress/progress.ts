/**
 * Shows people a turn's progress: the typing indicator, the acknowledging reaction, and either the
 * growing draft of the answer or a line about the turn's steps.
 */

import type { BotAccount } from "../../../account/account.ts";
import { perAccount } from "../../../account/per_account.ts";
import { cleanSecrets, secretTail } from "../../../account/secrets.ts";
import { wakeChannels } from "../../../account/wakes.ts";
import type { MessageId } from "../../../core/discord/ids.ts";
import type { Delivery } from "../../../core/outbound/delivery.ts";
import type { OutboxRow } from "../../../core/outbound/outbound.ts";
import { refusalIn, RestError } from "../../../discord/rest/exchange/rest_error.ts";
import { createMessages } from "../../../discord/rest/requests/messages.ts";
import {
  createReactions,
  createShowTyping,
} from "../../../discord/rest/requests/typing_and_reactions.ts";
import { createAcks } from "./acks.ts";
import { createDrafts, type DraftPorts } from "./drafts.ts";
import { createProgressLines, type ProgressLines } from "./progress_lines.ts";
import { createTyping } from "./typing.ts";

/** How turns of an account are shown while they run. */
export const progressOf: (account: BotAccount) => Progress = perAccount("turns", createProgress);

function createProgress(account: BotAccount) {
  const { config, rest, schedule, now, log } = account;
  const common = { refusalOf: refusalIn, schedule, now, log };
  const requests: Pick<DraftPorts, "outbox" | "edit" | "wake"> = {
    outbox: account.store.outbox,
    // Only if rate limits leave room.
    edit: (messageId, message) => createMessages(rest).edit(messageId, message, [], "spare"),
    wake: (channels) => wakeChannels(account, channels),
  };
  const drafts = createDrafts({
    ...requests,
    cleanSecrets: (text) => cleanSecrets(account, text),
    get maxLength() {
      return config().discord.textChunkLimit;
    },
    secretTail: (text) => secretTail(account, text),
    schedule,
    now,
    log,
  });
  const lines = createProgressLines({ ...common, ...requests });
  const acks = createAcks({
    ...{ ...common, isNoEmoji },
    rules: () => config().messages,
    reactions: createReactions(rest),
  });
  return {
    typing: createTyping(common, { refusalOf: refusalIn, show: createShowTyping(rest) }),
    /** Messages wait for an answer, for that reason. */
    accepted: acks.accepted,
    /** A message has lost its turn: it needs no sign that the bot has read it. */
    cut: (messageId: MessageId): void => acks.answered(messageId, "notice"),
    /** The sender of a message reads that its answer is lost, or waits. */
    lost: (messageId: MessageId): void => acks.answered(messageId, "word"),
    /** Shows answers while they grow, if the config says so. */
    drafts,
    /** Shows a line about each turn, if the config says so. */
    lines,
    /** Shows such a line only while a slow server reads a prompt. */
    readingLines: {
      begin: (place, rules, mayShow) => lines.begin(place, rules, mayShow, true),
    } satisfies Pick<ProgressLines, "begin">,
    /** A message of the outbox has its final result. */
    delivered({ message: { of, nonce } }: OutboxRow, end: Delivery): void {
      if (!of || (end.kind !== "created" && end.kind !== "found")) return;
      if (of.kind === "draft") {
        drafts.posted(nonce, end.messageId);
        lines.posted(nonce, end.messageId);
      }
      if (of.kind !== "tool") acks.answered(of.cause, of.kind);
    },
  };
}

export type Progress = ReturnType<typeof createProgress>;

/** Discord's codes for an unknown or malformed emoji. */
const NO_EMOJI: ReadonlySet<number | undefined> = new Set([10014, 50035]);

function isNoEmoji(error: unknown): boolean {
  return error instanceof RestError && NO_EMOJI.has(error.code);
}
