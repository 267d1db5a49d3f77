/**
 * Reads the message that a thread began with (H6).
 *
 * The thread of a message has the id of the message, which stands in the channel. A forum's post has
 * the same id, but stands in the thread itself.
 *
 * @module
 */

import { ChannelTypes } from "@discordeno/types";
import { parseSnowflake } from "../../../core/discord/ids.ts";
import { createReadHistory } from "../../../discord/rest/calls/history.ts";
import type { RestApi } from "../../../discord/rest/client/client.ts";
import type { ThreadStarterPorts } from "../../../flows/turn/thread_starter.ts";
import { createShow, type ShowOptions } from "./reading.ts";

const FORUMS: ReadonlySet<number> = new Set([ChannelTypes.GuildForum, ChannelTypes.GuildMedia]);

/** The dependencies of the reading. */
export interface ReadStarterOptions extends ShowOptions {
  /** Sends requests to Discord. */
  readonly client: RestApi;
}

/** Creates the reading of one account. */
export function createReadStarter(
  options: ReadStarterOptions,
): ThreadStarterPorts["read"] {
  const read = createReadHistory(options.client);
  const show = createShow(options);
  return async ({ place, guildId }) => {
    if (place.kind !== "guild" || !place.thread || guildId === undefined) return undefined;
    const { channel, thread } = place;
    const starterId = parseSnowflake<"message">(thread.id);
    const parent = options.reader.index.get(guildId)?.channels.get(channel.id);
    const isPost = parent !== undefined && FORUMS.has(parent.type);
    if (!starterId) return undefined;
    // Asking for the message itself is a 404 for each thread that began without one.
    const after = parseSnowflake<"message">(String(BigInt(starterId) - 1n));
    if (!after) return undefined;
    const [raw] = await read(isPost ? thread.id : channel.id, { after, limit: 1 });
    if (raw?.id !== starterId) return undefined;
    const shown = await show(raw, { guildId, isGroup: false, isElsewhere: false });
    return shown && {
      messageId: shown.id,
      tag: shown.from,
      authorId: shown.fromId,
      text: shown.text,
      sentAt: shown.timestampMs,
      ...(shown.replyTo && { replyTo: shown.replyTo }),
    };
  };
}
