/**
 * Arguments that several actions of the tool `discord` have. The model sees each name once, so the
 * same name has the same meaning in all actions.
 *
 * @module
 */

import { z } from "zod";
import { parseSnowflake, type Snowflake } from "../../../core/discord/ids.ts";

/** `<#5>`, `channel:5`, or a link to a channel or a message. */
const CHANNEL = /^(?:<#(\d+)>|channel:(\d+)|https:\/\/discord\.com\/channels\/\d+\/(\d+).*)$/;
/** `<@5>`, `<@!5>` or `user:5`. */
const USER = /^(?:<@!?(\d+)>|user:(\d+))$/;
/** `<@&5>` or `role:5`. */
const ROLE = /^(?:<@&(\d+)>|role:(\d+))$/;

/** An id, in the spellings of Discord. */
function id<Kind extends string>(what: string, spelling?: RegExp, hint = "digits only") {
  return z.string().transform((written, context): Snowflake<Kind> => {
    const text = written.trim();
    const digits = spelling?.exec(text)?.slice(1).find((group) => group !== undefined);
    const found = parseSnowflake<Kind>(digits ?? text);
    if (found) return found;
    context.addIssue(`must be the id of a ${what}: ${hint}`);
    return z.NEVER;
  });
}

const anyChannel = id<"channel">("channel", CHANNEL, "digits only, or <#digits>");
const channelId = anyChannel;
const messageId = id<"message">("message");
const userId = id<"user">("user", USER, "digits only, or <@digits>");
const roleId = id<"role">("role", ROLE, "digits only, or <@&digits>");

/** The shared arguments. */
export const FIELDS = {
  channelId,
  anyChannel,
  messageId,
  guildId: id<"guild">("server"),
  userId,
  roleId,
  text: z.string().min(1).max(20_000),
  replyTo: messageId,
  emoji: z.string().max(100).describe("Unicode, or <:name:id>."),
  title: z.string().min(1).max(100),
  name: z.string().min(1).max(100),
  limit: z.int().min(1).max(100),
  before: messageId,
  after: messageId,
  reason: z.string().min(1).max(400),
  dryRun: z.boolean(),
  mediaUrl: z.string().max(2_000).describe("Link of a picture on Discord."),
  parentId: z.union([z.literal("none").transform(() => null), anyChannel])
    .describe('Category id, or "none".'),
  position: z.int().min(0).max(1_000),
  topic: z.string().max(1_024),
  isNsfw: z.boolean(),
  query: z.string().min(1).max(1_024),
  tags: z.array(z.string().min(1).max(100)).min(1).max(5).describe("Names of forum tags."),
  description: z.string().min(1).max(1_000),
};

/** Where an action on messages acts. */
export const AT = { channelId: channelId.optional(), messageId };

/** Where an action on a server acts. */
export const IN_GUILD = { guildId: FIELDS.guildId.optional() };

/** Arguments of destructive actions. */
export const DESTRUCTIVE = {
  reason: FIELDS.reason.optional(),
  dryRun: FIELDS.dryRun.optional(),
};
