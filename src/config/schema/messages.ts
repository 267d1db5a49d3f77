/**
 * Keys of `messages`, and of `channels.discord` for the look of replies: how Barnacle reads and
 * writes messages.
 */

import { z } from "zod";
import { isWrittenEmoji } from "../../core/inbound/inbound.ts";
import { QUEUE_MODES } from "../../core/config_file.ts";
import { amount, key, lazySection, text, whole } from "./parts/key.ts";
import { id } from "./access.ts";

/** A list of patterns that count as a mention. */
export const mentionPatterns = () => z.array(text().max(500)).max(100).optional();

export const MENTION_PATTERNS =
  "Regular expressions (RE2, case-insensitive) that count as a mention in guilds; `[]` means none. " +
  "`config check` refuses patterns that are too large or too complex, such as `bot.{0,40}help`; " +
  "write `bot.*help`.";

export const messages = z.strictObject({
  groupChat: lazySection(
    "messages.groupChat",
    () =>
      z.strictObject({
        historyLimit: key(
          whole(0, 500).optional(),
          "`historyLimit` of accounts that do not set it: the maximum number of recent channel " +
            "messages, not addressed to the bot, to give the model as context.",
          { unset: "`20`", unit: "messages", example: 50, task: "agents" },
        ),
        mentionPatterns: key(mentionPatterns(), MENTION_PATTERNS, {
          unset: "the agent's name",
          example: ["\\bbarney\\b"],
          task: "access",
        }),
      }).prefault({}),
    "Settings for guild channels.",
  ),
  maxChunks: key(
    whole(1, 100).default(12),
    "Maximum number of messages of one reply. Of a longer reply, Barnacle sends the beginning, and " +
      "the whole text as a file.",
    { unit: "messages", example: 5 },
  ),
  tables: key(
    z.enum(["code", "bullets", "off"]).default("code"),
    "How to show Markdown tables, which Discord cannot. `code`: as a code block. `bullets`: as a " +
      "list. `off`: unchanged.",
  ),
  cards: key(
    z.enum(["components", "text"]).default("components"),
    "How to show questions to people and approvals. `components`: in a box, by Discord's Components " +
      "V2. `text`: as a plain message with buttons, for clients that do not show such boxes.",
  ),
  ackReaction: key(
    z.string().refine(
      (written) => written === "" || isWrittenEmoji(written),
      "Expected one emoji, or one of the server's own as <:name:id>",
    ).default("👀").transform((written) => written || undefined),
    "Reaction that marks a message as read: an emoji, or a server's own as `<:name:id>`. An empty " +
      "text disables it.",
    { example: "", isCommon: true },
  ),
  ackReactionScope: key(
    z.enum(["group-mentions", "group-all", "direct", "all", "off"]).default("group-mentions"),
    "Which messages that the bot will answer get the reaction. `group-mentions`: mentions outside " +
      "direct messages. `group-all`: all outside direct messages. `direct`: direct messages. " +
      "`all`: all. `off`: none.",
  ),
  removeAckAfterReply: key(
    z.boolean().default(false),
    "Whether to remove the reaction after the reply.",
  ),
  footer: key(
    z.enum(["off", "owners", "all"]).default("off"),
    "Whose answers end with a small line of model, tokens, cached share, money and seconds. " +
      "`off`: none. `owners`: answers to owners. `all`: all answers.",
  ),
  receipts: key(
    z.enum(["effects", "always", "off"]).default("effects"),
    "Whether a small line under an answer lists the turn's actions, from the stored tool calls. " +
      "`effects`: if an action with an effect ran, failed or was refused. `always`: also says that " +
      "nothing was changed, if the turn had tools with effects. `off`: none.",
  ),
  agentName: key(
    z.boolean().default(false),
    "Whether answers end with a small line of the agent's name, if it is not the first agent of " +
      "`agents.list`. With `footer`, both share one line.",
  ),
  linkHosts: key(
    z.array(
      z.string().regex(
        /^(?:(?:\*\.)?[^\s/:@*?#]+|\*)$/,
        'Expected a host, such as "example.org", or "*.example.org" for all its subdomains',
      ),
    ).default([]),
    "Hosts that the model may link to with any query, beside Discord and well-known sites. List " +
      "only hosts whose requests no stranger can read. Other links keep their query only if a " +
      "person or a tool wrote exactly that URL, and have no preview. `*.example.org` stands for " +
      "all subdomains, `*` for every host.",
    { example: ["example.org", "*.example.org"] },
  ),
  queue: lazySection(
    "messages.queue",
    () =>
      z.strictObject({
        mode: key(
          z.enum(QUEUE_MODES).optional(),
          "How to handle messages that arrive during a turn of their channel. `collect`: in one turn " +
            "after it. `steer`: at its next step, if their sender has the same rights; else as " +
            "`collect`. `followup`: in a turn each. `interrupt`: instead of it.",
          { unset: "`collect` in guilds, `steer` in direct messages", example: "collect" },
        ),
        turnsPerChannel: key(
          whole(1, 16).default(3),
          "Maximum number of turns of different people that run side by side in a channel. Answers " +
            "come in the order of the questions. 1: one turn after another.",
          { unit: "turns", example: 1 },
        ),
        perUser: key(
          whole(1, 10_000).default(3),
          "Maximum number of a user's turns that wait, over all channels. The bot does not answer " +
            "messages beyond it, and says so once.",
          { unit: "turns", example: 5 },
        ),
        perChannel: key(
          whole(1, 10_000).default(8),
          "Maximum number of a channel's turns that wait. The bot does not answer messages beyond " +
            "it, and says so once.",
          { unit: "turns", example: 20 },
        ),
      }).prefault({}),
    "Handling of messages that arrive during a turn.",
    { task: "agents" },
  ),
});

const REPLIES = { task: "replies" } as const;

export const replyKeys = {
  textChunkLimit: key(
    whole(100, 2_000).default(2_000),
    "Maximum length of one message. Barnacle splits longer replies.",
    { unit: "characters (UTF-16 code units)", example: 1_900, ...REPLIES },
  ),
  maxLinesPerMessage: key(
    whole(1, 2_000).default(17),
    "Maximum number of lines in one message. A code block that is split may need three.",
    { unit: "lines", example: 30, ...REPLIES },
  ),
  chunkMode: key(
    z.enum(["length", "newline"]).default("length"),
    "How to split a reply. `length`: by length only. `newline`: each paragraph is a message, unless " +
      "that takes more than `messages.maxChunks`.",
    REPLIES,
  ),
  allowedMentions: lazySection(
    "messages.allowedMentions",
    () =>
      z.strictObject({
        users: key(
          z.enum(["context", "author", "none"]).default("context"),
          "Users that a reply may ping. `context`: authors of the message, of the message that it " +
            "replies to, and of context messages. `author`: the message's author. `none`: no one.",
        ),
        roles: key(z.array(id<"role">()).default([]), "Ids of the roles that a reply may ping.", {
          example: ["123456789012345678"],
        }),
      }).prefault({}),
    "Users and roles that a reply may ping. It can never ping @everyone or @here.",
    REPLIES,
  ),
  replyToMode: key(
    z.enum(["off", "first", "all"]).default("off"),
    "Which messages of an answer are Discord replies, if the model asks for a reply. `off`: none. " +
      "`first`: the first. `all`: all.",
    { isCommon: true, ...REPLIES },
  ),
  streaming: key(
    z.enum(["off", "edit", "progress"]).default("off"),
    "Whether to show an answer while the model writes it. `edit`: in a message that Barnacle edits. " +
      "`progress`: a line about the current work, with a Stop button, until the answer comes. " +
      "`off`: only the finished answer.",
    { isCommon: true, ...REPLIES },
  ),
  mediaMaxMb: key(
    amount(0, 500).default(8),
    "Maximum size of a file to send, and of a file of a person to read. For a file to send, Discord's " +
      "own limit applies, too.",
    { unit: "megabytes (1,000,000 bytes)", example: 25, ...REPLIES },
  ),
};
