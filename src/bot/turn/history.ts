/**
 * Reads the history of channels for turns: before the first turn there after a start, and the message
 * that a thread began with (H6).
 */

import { ChannelTypes } from "@discordeno/types";
import { type AccountId, parseSnowflake } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Show } from "../../core/turn/ports/discord_call.ts";
import { decodeHistory } from "../../discord/gateway/decode/decode.ts";
import { namesIn } from "../../discord/gateway/decode/names_in.ts";
import { createShow } from "../../discord/gateway/decode/shown_message.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import { createReadHistory, MAX_HISTORY } from "../../discord/rest/requests/history.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { recall } from "../../flows/judging/judge.ts";
import { mayBeSeen, type ReadBefore, type ReadStarter } from "../../flows/session/backfill.ts";
import type { AccountContext } from "../account_context.ts";

const FORUMS: ReadonlySet<number> = new Set([ChannelTypes.GuildForum, ChannelTypes.GuildMedia]);

export function createHistory(
  account: AccountContext,
  { client, reader }: { readonly client: RestApi; readonly reader: Reader },
) {
  const { accountId, store } = account;
  const show = createShow({
    accountId,
    reader,
    maySee: (message) => mayBeSeen(recall(account, message)),
    footerOf: store.outbox.footerOf,
  });
  return {
    /** Shows messages of Discord to the model, if the policy lets it see them. */
    show,
    readBefore: createReadBefore(client, reader, accountId),
    readStarter: createReadStarter(client, reader, show),
    /** Names the ids in texts that come with a message, as of files. */
    namesOf: (texts: readonly string[], { place }: Pick<InboundMessage, "place">) =>
      namesIn(texts, {}, place, reader),
  };
}

export type History = ReturnType<typeof createHistory>;

/** Reads a channel's history in the gateway's form, without the bot's own messages. */
function createReadBefore(client: RestApi, reader: Reader, accountId: AccountId): ReadBefore {
  const read = createReadHistory(client);
  return async ({ channelId, guildId, id: before }, limit) => {
    const { self, index } = reader;
    if (!self) return [];
    const page = await read(channelId, { before, limit: Math.min(limit, MAX_HISTORY) });
    return page.flatMap((message) => {
      const event = decodeHistory(message, guildId, { accountId, self, index });
      return event?.kind === "message" ? [event] : [];
    });
  };
}

/**
 * Reads the messages that threads began with. The thread of a message has the id of the message,
 * which stands in the channel. A forum's post has the same id, but stands in the thread
 * itself.
 */
function createReadStarter(
  client: RestApi,
  reader: Pick<Reader, "index">,
  show: Show,
): ReadStarter {
  const read = createReadHistory(client);
  return async ({ place, guildId }) => {
    if (place.kind !== "guild" || !place.thread || guildId === undefined) return undefined;
    const { channel, thread } = place;
    const starterId = parseSnowflake<"message">(thread.id);
    const parent = reader.index.get(guildId)?.channels.get(channel.id);
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
      replyTo: shown.replyTo || undefined,
    };
  };
}
