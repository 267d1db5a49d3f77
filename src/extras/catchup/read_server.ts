/**
 * Reads the new messages of a server that a person may see (T17a).
 *
 * The rights are those of `search_server` for its asker alone. The number of requests is bounded, so
 * messages that concern the person come first, and busy channels are read in parts.
 */

import { z } from "zod";
import { listOrEmpty, optional } from "../../core/discord/lenient.ts";
import {
  type ChannelId,
  compareIds,
  createdAtMs,
  type GuildId,
  type MessageId,
  snowflakeAt,
} from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import { type Channel, isForum } from "../../core/rights/channel.ts";
import { messageLink } from "../../core/turn/decided_action.ts";
import type { Show } from "../../core/turn/ports/discord_call.ts";
import type { Readable } from "../../discord/rest/actions/readable.ts";
import { threadsIn } from "../../discord/rest/actions/server_search.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import {
  createReadHistory,
  MAX_HISTORY,
  type RawMessage,
} from "../../discord/rest/requests/history.ts";
import { createMessageSearch } from "../../discord/rest/requests/message_search.ts";
import { createSingleReads } from "../../discord/rest/requests/single_message.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Knowledge } from "../../store/knowledge/knowledge.ts";

/** How a message concerns the person, the nearest first. */
export const CONCERNS = ["mention", "reply", "thread", undefined] as const;

export interface News {
  readonly guildId: GuildId;
  readonly channelId: ChannelId;
  readonly id: MessageId;
  readonly link: string;
  /** Name of the channel or thread. Untrusted, as `from` and `text` are. */
  readonly where: string;
  readonly from: string;
  readonly text: string;
  readonly concerns: typeof CONCERNS[number];
}

export interface NewsOfServer {
  readonly guildId: GuildId;
  readonly news: readonly News[];
  /** Channels and threads with new messages, with the number of these as far as it is known. */
  readonly counts: ReadonlyMap<ChannelId, number>;
}

/** Requests that are left for nothing more. */
export class RequestsSpent extends Error {}

/** Single messages that concern the person, read at most. */
const MAX_SINGLE = 6;

const factsSchema = z.object({
  mentions: listOrEmpty(z.object({ id: z.string() })),
  mention_roles: listOrEmpty(z.string()),
  referenced_message: optional(z.object({ author: z.object({ id: z.string() }) })),
  id: snowflakeSchema<"message">(),
});

/** Reads a server. The function is long because its steps share what was found so far. */
export async function readServer(
  { guildId, since, where }: {
    readonly guildId: GuildId;
    readonly since: number;
    /** Only this channel or thread, with its threads; absent: all. */
    readonly where: string | undefined;
  },
  { accountId, sender, channelId: here }: CommandCall,
  { api, readable, knowledge, show, schedule, signal }: {
    readonly api: RestApi;
    readonly readable: Readable;
    readonly knowledge: Pick<Knowledge, "newsOf">;
    readonly show: Show;
    readonly schedule: StartTimer;
    readonly signal: AbortSignal;
  },
): Promise<NewsOfServer> {
  const after = snowflakeAt<"message">(since, 0);
  const stored = await knowledge.newsOf({ accountId, guildId, after, userId: sender.id });
  const readPage = createReadHistory(api, { signal });
  const single = createSingleReads(api);
  const places = new Map<ChannelId, Channel>();
  const found = new Map<MessageId, { readonly raw: RawMessage; readonly channel: Channel }>();
  const counts = new Map<ChannelId, number>();
  const near = new Map<MessageId, ChannelId>();

  const isNew = (id: MessageId | undefined) => id !== undefined && compareIds(id, after) > 0;
  const isWanted = ({ id, parentId }: Pick<Channel, "id" | "parentId">) =>
    where === undefined || id === where || parentId === where;

  async function findPlaces(): Promise<void> {
    for (const channel of readable.channels.values()) {
      if (isNew(channel.lastMessageId) && isWanted({ id: channel.id }) && !isForum(channel)) {
        places.set(channel.id, channel);
      }
    }
    const threads = threadsIn(
      await api.request("GET", `/guilds/${guildId}/threads/active`, { signal }),
    );
    for (const thread of threads) {
      if (!isNew(thread.lastMessageId) || !isWanted(thread)) continue;
      if (await readable.openThread({ ...thread, guildId })) places.set(thread.id, thread);
    }
    for (const { channelId: id, parentId } of stored) {
      const isArchived = id !== parentId && !threads.some((thread) => thread.id === id);
      if (!isArchived || !isWanted({ id, parentId }) || !readable.channels.has(parentId)) continue;
      const thread = await readable.open(id);
      if (thread) places.set(id, thread);
    }
  }

  async function findNear(): Promise<void> {
    for (const { channelId, replies } of stored) {
      for (const id of replies) near.set(id, channelId);
    }
    const search = createMessageSearch(api, schedule);
    const asked = { content: "", mentions: sender.id, channelIds: [...places.keys()], after };
    const hits = await search(guildId, asked, { waitMs: 0, signal }).catch(ofDiscord([]));
    for (const { id, channelId } of hits ?? []) near.set(id, channelId);
    for (const [id, channelId] of near) if (!places.has(channelId)) near.delete(id);
  }

  function keep(channel: Channel, page: readonly RawMessage[]): readonly MessageId[] {
    const ids = page.flatMap((raw) => factsSchema.safeParse(raw).data?.id ?? []);
    page.forEach((raw, at) => {
      const id = ids[at];
      if (id !== undefined && isNew(id)) found.set(id, { raw, channel });
    });
    return ids.toSorted(compareIds);
  }

  async function readAll(): Promise<void> {
    const nearIn = new Set(near.values());
    const order = [...places.values()].sort((one, other) =>
      Number(nearIn.has(other.id)) - Number(nearIn.has(one.id)) ||
      compareIds(other.lastMessageId ?? after, one.lastMessageId ?? after)
    );
    const cut: { readonly channel: Channel; readonly oldest: MessageId }[] = [];
    for (const channel of order) {
      const page = await readPage(channel.id, { limit: MAX_HISTORY }).catch(ofDiscord([]));
      const [oldest] = keep(channel, page);
      if (page.length === MAX_HISTORY && oldest && isNew(oldest)) cut.push({ channel, oldest });
      else if (page.length > 0) counts.set(channel.id, 0); // those found are all
    }
    for (const [id, channelId] of [...near].slice(0, MAX_SINGLE)) {
      const channel = places.get(channelId);
      if (!channel || found.has(id)) continue;
      const message = await single.message(channelId, id).catch(ofDiscord(undefined));
      if (message) keep(channel, [message.raw]);
    }
    for (const { channel, oldest } of cut) {
      const middle = snowflakeAt<"message">((since + createdAtMs(oldest)) / 2, 0);
      const page = readPage(channel.id, { around: middle, limit: MAX_HISTORY });
      keep(channel, await page.catch(ofDiscord([])));
    }
  }

  try {
    await findPlaces();
    if (places.size > 0) await findNear();
    await readAll();
  } catch (error) {
    if (!(error instanceof RequestsSpent)) throw error;
  }

  const theirs = new Set(stored.flatMap((one) => one.isTheirs ? [one.channelId] : []));
  const roles = new Set<string>(sender.roles.map(({ id }) => id));
  const news: News[] = [];
  for (
    const [id, { raw, channel }] of [...found].sort(([one], [other]) => compareIds(one, other))
  ) {
    const { id: channelId, name } = channel;
    const place = { guildId, isGroup: false, isElsewhere: channelId !== here };
    const message = await show(raw, place);
    if (!message || message.fromId === sender.id || message.text.trim() === "") continue;
    const facts = factsSchema.parse(raw);
    const isMention = facts.mentions.some((one) => one.id === sender.id) ||
      facts.mention_roles.some((role) => roles.has(role));
    const isReply = facts.referenced_message?.author.id === sender.id || near.has(id);
    const isTheirs = theirs.has(channelId) || channel.thread?.ownerId === sender.id;
    news.push({
      ...{ guildId, channelId, id, from: message.from, text: message.text, where: name },
      link: messageLink({ guildId, channelId, id }),
      concerns: CONCERNS[isReply && !isMention ? 1 : isMention ? 0 : isTheirs ? 2 : 3],
    });
  }
  const known = new Map(stored.map(({ channelId, count }) => [channelId, count]));
  for (const id of places.keys()) {
    const had = news.filter(({ channelId }) => channelId === id).length;
    counts.set(id, counts.has(id) ? had : Math.max(known.get(id) ?? 0, had + 1));
  }
  return { guildId, news, counts };
}

/** A result in place of a refusal by Discord. Other failures stay. */
function ofDiscord<Value>(otherwise: Value): (error: unknown) => Value {
  return (error) => {
    if (error instanceof RestError && error.code !== undefined) return otherwise;
    throw error;
  };
}
