/**
 * Composes messages that tools send: texts of the tool `discord` (T3), and reminders (T12).
 *
 * A model wrote their text, so secrets, mentions and foreign links are taken out as in an answer (R9,
 * SEC-R7, SEC-R10). A text pings only people of the turn, a reminder only the person who asked for it.
 */

import type { ChannelId, GuildId, MessageId } from "../core/discord/ids.ts";
import { nonceOfCall } from "../core/outbound/outbound.ts";
import type { EmbedContent, Frozen, OutboundFile } from "../core/outbound/outbound.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import { cameBy } from "../core/inbound/origin.ts";
import { freeze } from "./freeze.ts";
import {
  type Answered,
  composeFailure,
  composeReply,
  type ReplyRules,
  type TextRules,
  withMentions,
} from "./reply.ts";
import { bounded, withoutInvisible } from "../lib/text/quoted.ts";
import { forDiscord, type LinkRules, withoutPreviews } from "./markdown/for_discord.ts";
import { asMarkdown } from "./markdown/as_markdown.ts";
import { chunk } from "./markdown/chunk.ts";
import { withoutSmall } from "./safety/visible.ts";
import { readerTime } from "../lib/text/units.ts";

/** A message of a tool, and the message whose turn sends it. */
export interface ToolMessage extends Answered {
  /** Identifies the call, also after a crash. */
  readonly callKey: string;
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** As the model wrote it; empty if a file or a box stands alone. */
  readonly text: string;
  /** The message that it replies to; absent if it replies to none. */
  readonly replyTo?: MessageId;
  /** Absent if there are none. */
  readonly files?: readonly OutboundFile[];
  /** As the model wrote it. It goes with the last message. */
  readonly embed?: EmbedContent;
}

/**
 * Composes and freezes a message. Its nonces depend on the call alone.
 *
 * @returns `undefined` if nothing in it is meant for people.
 */
export function composeToolMessage(
  { message, agentId, callKey, channelId, guildId, text, replyTo, files, embed }: ToolMessage,
  rules: ReplyRules,
): readonly Frozen[] | undefined {
  const shown = NOTHING_SHOWN;
  const composed = composeReply({
    message,
    agentId,
    text: withoutInvisible(text),
    files,
    shown,
    rules: { ...rules, replyToMode: "off" },
  });
  const isBoxAlone = composed.kind !== "reply" && embed !== undefined && text.trim() === "";
  if (composed.kind !== "reply" && !isBoxAlone) return undefined;
  const { guildId: _, ...reply } = composed.kind === "reply"
    ? composed.reply
    : { ...composeFailure({ message, agentId }, ""), chunks: [""] };
  const frozen = freeze({
    ...reply,
    kind: "tool",
    channelId,
    guildId,
    ...(replyTo !== undefined && { quote: { messageId: replyTo, on: "first" } }),
  });
  const box = embed && cleanEmbed(embed, { message, shown }, rules);
  return frozen.map((part, index) => {
    const nonce = nonceOfCall(callKey, index);
    if (!box || index < frozen.length - 1) {
      return { ...part, message: { ...part.message, nonce } };
    }
    // Discord hides all boxes of a message without previews; its foreign links stand in brackets.
    const { suppressesEmbeds: _, ...shownMessage } = part.message;
    return { ...part, message: { ...shownMessage, nonce, embed: box } };
  });
}

const NOTHING_SHOWN = { overheard: [], texts: () => [], system: "" };

/** Discord's limits in characters. */
const EMBED_LIMITS = { title: 256, description: 4_096, name: 256, value: 1_024, footer: 2_048 };

/** Takes secrets and foreign links out of a box. Discord pings no one from it. */
function cleanEmbed(
  { title, description, color, fields, footer }: EmbedContent,
  of: Parameters<typeof withMentions>[1],
  { cleanSecrets, linkHosts, tables }: ReplyRules,
): EmbedContent {
  const links = { written: [of.message.text], linkHosts };
  const clean = (text: string | undefined, most: number) =>
    text === undefined ? undefined : bounded(withoutPreviews(cleanSecrets(text), links).text, most);
  const plain = (text: string) => withoutSmall(asMarkdown(withoutInvisible(text)));
  const shown = (text = "") => forDiscord(withMentions(plain(text), of), tables);
  return {
    title: clean(title && plain(title), EMBED_LIMITS.title),
    description: description && clean(shown(description), EMBED_LIMITS.description),
    color,
    fields: fields?.map(({ name, value, inline }) => ({
      name: clean(name && plain(name), EMBED_LIMITS.name) ?? "",
      value: clean(shown(value), EMBED_LIMITS.value) ?? "",
      inline,
    })),
    footer: clean(footer && plain(footer), EMBED_LIMITS.footer),
  };
}

/** Brackets foreign links of a text by a model, before it is stored. */
export function neutralizedText(text: string, rules: LinkRules): string {
  return withoutPreviews(text, rules).text;
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
  { chunks, cleanSecrets, tables }: Pick<TextRules, "chunks" | "cleanSecrets" | "tables">,
): readonly Frozen[] {
  const { accountId, channelId, guildId, id, revision, sender } = message;
  const text = forDiscord(withMentions(message.text, { message, shown: NOTHING_SHOWN }), tables);
  const user = `<@${sender.id}>`;
  const due = readerTime(cameBy(message, "schedule")?.dueAt ?? message.sentAt, "f");
  const words = cleanSecrets(
    isLate
      ? `${user} Reminder from ${due}, when I was offline: ${text}`
      : `${user} Reminder: ${text}`,
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
