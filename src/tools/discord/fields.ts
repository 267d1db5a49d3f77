/**
 * Arguments that several actions of the tool `discord` have. The model sees each name once, so the
 * same name has the same meaning in all actions.
 *
 * @module
 */

import { z } from "zod";
import { type ChannelId, type MessageId, parseSnowflake } from "../../core/discord/ids.ts";

/** `<#5>`, `channel:5`, or a link to a channel or a message. */
const CHANNEL = /^(?:<#(\d+)>|channel:(\d+)|https:\/\/discord\.com\/channels\/\d+\/(\d+).*)$/;

const channelId = z.string().transform((written, context): ChannelId => {
  const digits = CHANNEL.exec(written.trim())?.slice(1).find((group) => group !== undefined);
  const id = parseSnowflake<"channel">(digits ?? written.trim());
  if (id) return id;
  context.addIssue("must be the id of a channel: digits only, or <#digits>");
  return z.NEVER;
}).describe("Id of a channel or thread of this server. Default: this channel.");

const messageId = z.string().transform((written, context): MessageId => {
  const id = parseSnowflake<"message">(written.trim());
  if (id) return id;
  context.addIssue("must be the id of a message: digits only");
  return z.NEVER;
}).describe("Id of a message.");

/** The shared arguments. */
export const FIELDS = {
  channelId,
  messageId,
  text: z.string().min(1).max(20_000).describe("Text of the message, in Discord's Markdown."),
  replyTo: messageId.describe("Id of a message to reply to, in the same channel."),
  emoji: z.string().max(100).describe("A Unicode emoji, or <:name:id>."),
  title: z.string().min(1).max(100).describe("Title of the thread."),
  limit: z.int().min(1).max(100).describe("How many messages to read. Default: 30."),
  before: messageId.describe("Reads only messages before this id."),
  after: messageId.describe("Reads only messages after this id."),
};
