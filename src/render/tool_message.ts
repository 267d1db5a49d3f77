/**
 * Composes messages that the tool `discord` sends (T3), and progress lines (R8a).
 *
 * A model wrote their text, so secrets, mentions and foreign links are taken out as in an answer (R9,
 * SEC-R7, SEC-R10). A text pings only people of the turn.
 *
 * A progress line has no words of people or of the model: arguments of tools could contain any. Below
 * it stands text that the model wrote for people, beside its calls.
 */

import type { ChannelId, GuildId, MessageId } from "../core/discord/ids.ts";
import {
  type EmbedContent,
  type Frozen,
  type OutboundFile,
  type SharedFields,
} from "../core/outbound/outbound.ts";
import { bounded, withoutInvisible } from "../lib/text/quoted.ts";
import {
  type Answered,
  composeFailure,
  composeReply,
  freeze,
  NOTHING_SHOWN,
  type ReplyRules,
  withMentions,
} from "./reply.ts";
import { asMarkdown, forDiscord, type LinkRules, withoutPreviews } from "./markdown/as_markdown.ts";
import { withoutSmall } from "./safety/visible.ts";

const ON_DISCORD = "working on Discord";
const FILES = "working on files";

/** The words by tool; another tool has its name in the line. */
const WORK_OF: ReadonlyMap<string, string> = new Map([
  ["ask", "asking a question"],
  ["discord", ON_DISCORD],
  ["exec", "running a command"],
  ["voice", ON_DISCORD],
  ["reply_in_thread", "opening a thread"],
  ["memory", "looking into my notes"],
  ["recall", "rereading our conversation"],
  ["remind", "setting a reminder"],
  ["read_skill", "reading a skill"],
  ["web_fetch", "reading a web page"],
  ["web_search", "searching the web"],
  ["code", "running code"],
  ["draw", "drawing"],
  ["read_file", FILES],
  ["write_file", FILES],
  ["edit_file", FILES],
  ["list_files", FILES],
  ["send_file", FILES],
]);

const MAX_TOOLS = 3;

export interface Work {
  /** Names of the running tools; empty while the model writes. */
  readonly tools: readonly string[];
  /** The channel whose history a tool reads, if it is not that of the turn. */
  readonly reads?: ChannelId;
  /** Number of the step, from 1. */
  readonly step: number;
  /** Maximum number of steps. */
  readonly steps: number;
  /** Seconds since the turn began. */
  readonly seconds: number;
  readonly channelId: ChannelId;
  /** Whether a slow server still reads the prompt. */
  readonly isReading?: boolean;
  /** Text that the model wrote beside its calls, from {@link asideOf}; absent: none. */
  readonly aside?: string;
}

const MAX_ASIDE = 300;

/**
 * Shortens text that the model wrote beside its calls. Discord would fetch a link for a preview, and
 * a cut code block would not end, so the text has neither.
 *
 * @param composed The text as a message would have it: without secrets, and with safe links.
 */
export function asideOf(composed: string): string | undefined {
  const [before = ""] = composed.split(/`{3}|~{3}/);
  const text = before.replace(/<?https?:\/\/\S+/gi, "…").replace(/\s+/g, " ").trim();
  return text === "" ? undefined : bounded(text, MAX_ASIDE);
}

export function progressText(
  { tools, reads, step, steps, seconds, channelId, isReading, aside }: Work,
): string {
  const works = tools.map((tool) => {
    if (tool === "read_channel_history") return `reading <#${reads ?? channelId}>`;
    return WORK_OF.get(tool) ?? `using \`${plainToolName(tool)}\``;
  });
  const some = [...new Set(works)].slice(0, MAX_TOOLS);
  const own = isReading
    ? "my model is still reading, which takes minutes on a small computer"
    : "thinking";
  const work = some.length === 0 ? own : some.join(", ");
  const line = `${work} · step ${step} of ${steps} · ${seconds} s`;
  return aside === undefined ? line : `${line}\n> ${aside}`;
}

/** The model may call a tool that does not exist, by any name. */
function plainToolName(tool: string): string {
  return tool.replace(/[^\w-]/g, "").slice(0, 64) || "?";
}

/** A message of a tool, without its place. Its text decides about previews. */
export interface ToolPost
  extends Omit<SharedFields, "accountId" | "channelId" | "guildId" | "suppressesEmbeds"> {
  /** As the model wrote it; empty if a file or a box stands alone. */
  readonly text: string;
  /** The message that it replies to; absent if it replies to none. */
  readonly replyTo?: MessageId;
  /** Absent if there are none. */
  readonly files?: readonly OutboundFile[];
  /** As the model wrote it. It goes with the last message. */
  readonly embed?: EmbedContent;
}

/** A message of a tool, and the message whose turn sends it. */
interface ToolMessage extends Answered, ToolPost {
  /** Identifies the call, also after a crash. */
  readonly callKey: string;
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
}

/**
 * Composes and freezes a message. Its nonces depend on the call alone.
 *
 * @returns `undefined` if nothing in it is meant for people.
 */
export function composeToolMessage(
  { message, agentId, text, replyTo, files, embed, ...shared }: ToolMessage,
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
  const reply = composed.kind === "reply"
    ? composed.reply
    : { ...composeFailure({ message, agentId }, ""), chunks: [""] };
  const frozen = freeze({
    ...reply,
    ...shared,
    guildId: shared.guildId,
    kind: "tool",
    ...(replyTo !== undefined && { quote: { messageId: replyTo, on: "first" } }),
  });
  const last = frozen.at(-1);
  if (!embed || !last) return frozen;
  // Discord hides all boxes of a message without previews; its foreign links stand in brackets.
  const { suppressesEmbeds: _, ...shownMessage } = last.message;
  const box = cleanEmbed(embed, { message, shown }, rules);
  return frozen.with(-1, { ...last, message: { ...shownMessage, embed: box } });
}

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
