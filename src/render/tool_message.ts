/**
 * Composes messages that tools send: texts of the tool `discord` (T3), and reminders (T12).
 *
 * A model wrote their text, so secrets, mentions and foreign links are taken out as in an answer (R9,
 * SEC-R7, SEC-R10). A text pings only people of the turn, a reminder only the person who asked for it.
 */

import type { ChannelId, GuildId, MessageId } from "../core/discord/ids.ts";
import { nonceOfCall } from "../core/outbound/nonce.ts";
import type { Frozen } from "../core/outbound/outbound.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import { freeze } from "./freeze.ts";
import { type Answered, composeReply, type ReplyRules, type TextRules } from "./reply.ts";
import { chunk } from "./markdown/chunk.ts";
import { notice, type Texts } from "./notices/notices.ts";
import { createLinks, type LinkRules } from "./safety/links.ts";

/**
 * Composes and freezes a text. Its nonces depend on the call alone.
 *
 * @param answered `callKey` identifies the call, also after a crash. `text` is as the model wrote it.
 * @returns `undefined` if nothing in the text is meant for people.
 */
export function composeToolMessage(
  { message, agentId, callKey, channelId, guildId, text, replyTo }: Answered & {
    readonly callKey: string;
    readonly channelId: ChannelId;
    readonly guildId?: GuildId;
    readonly text: string;
    readonly replyTo?: MessageId;
  },
  rules: ReplyRules,
): readonly Frozen[] | undefined {
  const shown = { overheard: [], texts: () => [], system: "" };
  const composed = composeReply({
    message,
    agentId,
    text,
    shown,
    rules: { ...rules, replyToMode: "off" },
  });
  if (composed.kind !== "reply") return undefined;
  const { guildId: _, ...reply } = composed.reply;
  const frozen = freeze({
    ...reply,
    kind: "tool",
    channelId,
    guildId,
    ...(replyTo !== undefined && { quote: { messageId: replyTo, on: "first" } }),
  });
  return frozen.map((part, index) => ({
    ...part,
    message: { ...part.message, nonce: nonceOfCall(callKey, index) },
  }));
}

/** Takes foreign links out of a text by a model, before it is stored. */
export function neutralizedText(text: string, rules: LinkRules): string {
  const links = createLinks(rules);
  const asCode = links.neutralize(text, "code").text;
  return links.hasUntrusted(asCode) ? links.neutralize(text, "plain").text : asCode;
}

/**
 * Composes and freezes a reminder. Its nonces depend on the run alone.
 *
 * @param reminder `message`: that of the run; its text is the reminder's. `agentId`: of the agent that set it.
 */
export function composeReminder(
  { message, isLate, agentId }: {
    readonly message: InboundMessage;
    readonly isLate: boolean;
    readonly agentId: string;
  },
  { chunks, cleanSecrets, texts }: Pick<TextRules, "chunks" | "cleanSecrets"> & {
    readonly texts: Texts;
  },
): readonly Frozen[] {
  const { accountId, channelId, guildId, id, revision, sender, text, scheduled } = message;
  const user = `<@${sender.id}>`;
  const due = `<t:${Math.floor((scheduled?.dueAt ?? message.sentAt) / 1_000)}:f>`;
  const words = cleanSecrets(
    isLate
      ? notice("reminderLate", { user, text, due }, texts)
      : notice("reminder", { user, text }, texts),
  );
  return freeze({
    accountId,
    channelId,
    guildId,
    cause: id,
    revision,
    agentId,
    kind: "notice",
    chunks: chunk(words, chunks, chunks.maxChunks),
    text: words,
    files: [],
    mayPing: { users: [sender.id], roles: [] },
    suppressesEmbeds: false,
  });
}
