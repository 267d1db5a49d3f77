/**
 * Keys of `channels.discord.actions`: the gates of the tools (T3).
 *
 * @module
 */

import { z } from "zod";
import { GATES, TOOL_GATES, type ToolGate } from "../../core/tool_names.ts";
import { key } from "./parts/key.ts";

/** Actions that each gate permits, as the end of a sentence. */
const GATED: Readonly<Record<ToolGate, string>> = {
  reactions: "add, remove and list reactions",
  stickers: "send stickers",
  emojiUploads: "upload emojis to a guild",
  stickerUploads: "upload stickers to a guild",
  polls: "send polls",
  permissions: "read permissions in a channel",
  messages: "read, send, edit and delete messages",
  threads: "create and list threads, and reply in them",
  pins: "pin, unpin and list messages",
  search: "search messages",
  memberInfo: "read the profiles of members",
  roleInfo: "read the roles of a guild",
  roles: "give roles to members and take them away",
  channelInfo: "read and list channels",
  channels: "create, change, move and delete channels",
  voiceStatus: "read who is in a voice channel",
  events: "list and create events",
  moderation: "time out, kick and ban members",
  presence: "change the bot's status and activity",
};

/** `channels.discord.actions`: a switch for each gate. */
export const actions = () =>
  z.strictObject(Object.fromEntries(
    GATES.map((gate) => [
      gate,
      key(z.boolean().default(TOOL_GATES[gate]), `Whether tools may ${GATED[gate]}.`),
    ]),
  ));
