/**
 * Composes messages that the tool `discord` sends (T3).
 *
 * A model wrote their text, so secrets, mentions and foreign links are taken out as in an answer (R9,
 * SEC-R7, SEC-R10). A text pings only people of the turn.
 */

import type { ChannelId, GuildId, MessageId } from "../core/discord/ids.ts";
import { nonceOfCall } from "../core/outbound/outbound.ts";
import type { EmbedContent, Frozen, OutboundFile } from "../core/outbound/outbound.ts";
import { freeze } from "./freeze.ts";
import {
  type Answered,
  composeFailure,
  composeReply,
  NOTHING_SHOWN,
  type ReplyRules,
  withMentions,
} from "./reply.ts";
import { bounded, withoutInvisible } from "../lib/text/quoted.ts";
import { forDiscord, type LinkRules, withoutPreviews } from "./markdown/for_discord.ts";
import { asMarkdown } from "./markdown/as_markdown.ts";
import { withoutSmall } from "./safety/visible.ts";

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
