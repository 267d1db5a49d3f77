/**
 * Keys of `channels.discord` for the look of replies.
 *
 * @module
 */

import { z } from "zod";
import { id } from "./access.ts";
import { amount, key, whole } from "./parts/key.ts";

const REPLIES = { task: "replies" } as const;

/** Keys of an account that shape its replies. */
export const replyKeys = {
  textChunkLimit: key(
    whole(2, 2_000).default(2_000),
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
  allowedMentions: key(
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
