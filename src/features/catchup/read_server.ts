/**
 * Reads the new messages of a server that a person may see (T17). Requests are bounded, so places
 * with messages that concern the person come first, and a busy one is read in parts. Rights are those
 * of this moment, by Discord and by the config; owners of the bot have those that they have at Discord.
 */

import { closedBy, show } from "../../flows/judging/judge.ts";
import type { BotAccount } from "../../account/account.ts";
import { z } from "zod";
import {
  type ChannelId,
  compareIds,
  createdAtMs,
  type GuildId,
  type MessageId,
  parseSnowflake,
  snowflakeAt,
} from "../../core/discord/ids.ts";
import { listOrEmpty, snowflakeSchema } from "../../core/discord/lenient.ts";
import type { CommandCall, InboundMessage } from "../../core/inbound/inbound.ts";
import { type Channel, CHANNEL_KINDS, isForum, isThread } from "../../core/rights/permissions.ts";
import { messageLink } from "../../core/turn/decided_action.ts";
import type { ShownMessage } from "../../core/turn/discord_place.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import {
  channelOf,
  createGuildReads,
  isPrivateThread,
  readChannel,
} from "../../discord/rest/requests/guild_reads.ts";
import { MAX_HISTORY, readHistory } from "../../discord/rest/requests/messages.ts";
import { once } from "../../lib/cache.ts";
import { missingRight, type PlaceFacts } from "../../core/rights/rights.ts";
import { readPlaceOf } from "../../flows/actions/readers.ts";

export interface News {
  readonly channel: Channel;
  readonly message: ShownMessage;
  readonly link: string;
  /** 0: it mentions the person, 1: it replies to them, 2: it is in their thread, 3: none of these. */
  readonly rank: number;
}

interface PossiblePlace {
  readonly id: ChannelId;
  readonly lastMessageId?: MessageId;
  readonly requests: number; // to open it
  readonly open: () => Promise<Channel | undefined>;
}

/** Pages of a busy channel beside its newest one. */
const MORE_PAGES = 2;
/** Messages in an answer of Discord's search. */
const MAX_HITS = 25;

/** An answer of Discord's search; one whose index is not ready has no messages. */
const foundSchema = z.lazy(() =>
  z.object({
    messages: listOrEmpty(listOrEmpty(
      z.object({ id: snowflakeSchema<"message">(), channel_id: snowflakeSchema<"channel">() }),
    )),
  })
);

/**
 * Reads a server.
 *
 * @returns The messages, and the number of new ones in each place, as far as it is known.
 */
export async function readServer(
  guildId: GuildId,
  since: number,
  { accountId, sender: { id: userId, roles }, options: { where } }: CommandCall,
  ports: {
    readonly api: RestApi;
    readonly readable: Readable;
    readonly account: BotAccount;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly news: readonly News[]; readonly counts: ReadonlyMap<ChannelId, number> }> {
  const { api, readable, signal } = ports;
  const after = snowflakeAt<"message">(since, 0);
  const stored = await ports.account.store.messages.newsOf({ accountId, guildId, after, userId });
  const rowOf = (channelId: ChannelId) => stored.find((one) => one.channelId === channelId);
  const found = new Map<MessageId, News>();
  const isNew = (id = after) => compareIds(id, after) > 0;
  const isWanted = (id: ChannelId, parentId?: ChannelId) =>
    where === undefined || id === where || parentId === where;

  /** Messages that mention the person, by channel: a busy place has some that no page would show. */
  async function findMentions(): Promise<ReadonlyMap<ChannelId, readonly MessageId[]>> {
    const query = new URLSearchParams({ mentions: userId, min_id: after, limit: `${MAX_HITS}` });
    const path = `/guilds/${guildId}/messages/search?${query}`;
    const answer = await api.request("GET", path, { signal }).catch(refused);
    const hits = foundSchema.safeParse(answer).data?.messages.flat() ?? [];
    const all = new Map<ChannelId, MessageId[]>();
    for (const { id, channel_id: channelId } of hits) {
      if (isNew(id)) all.set(channelId, [...all.get(channelId) ?? [], id]);
    }
    return all;
  }
  const mentions = await findMentions();
  const nearIn = (channelId: ChannelId) => mentions.get(channelId) ?? [];

  /** Places that may be open. To know it costs a request for some, so these are behind others. */
  async function findPlaces() {
    const places: PossiblePlace[] = [...readable.channels.values()].filter((channel) =>
      isNew(channel.lastMessageId) && isWanted(channel.id) && !isForum(channel)
    ).map((channel) => ({ ...channel, requests: 0, open: () => Promise.resolve(channel) }));
    const path = `/guilds/${guildId}/threads/active`;
    const threads = threadsIn(await api.request("GET", path, { signal }));
    for (const thread of threads) {
      if (!isNew(thread.lastMessageId) || !isWanted(thread.id, thread.parentId)) continue;
      const isOpen = () => readable.openThread({ ...thread, guildId });
      const open = async () => await isOpen() ? thread : undefined;
      places.push({ ...thread, requests: isPrivateThread(thread) ? 1 : 0, open });
    }
    for (const { channelId: id, parentId } of stored) { // archived threads
      const isKnown = id === parentId || threads.some((thread) => thread.id === id);
      if (isKnown || !isWanted(id, parentId) || !readable.channels.has(parentId)) continue;
      places.push({ id, requests: 1, open: () => readable.open(id) });
    }
    return places.sort((one, other) =>
      nearIn(other.id).length - nearIn(one.id).length ||
      one.requests - other.requests ||
      compareIds(other.lastMessageId ?? after, one.lastMessageId ?? after)
    );
  }

  /** Finds the new messages of a page. @returns Its oldest message, if they may be more. */
  async function read(channel: Channel, around?: MessageId) {
    const isTheirPlace = rowOf(channel.id)?.isTheirs;
    const page = await readHistory(api, channel.id, { around, limit: MAX_HISTORY }, { signal })
      .catch(refused);
    for (const raw of page) {
      const id = parseSnowflake<"message">(raw.id);
      if (!id || !isNew(id) || found.has(id)) continue;
      const message = await show(ports.account, raw, {
        guildId,
        isGroup: false,
        isElsewhere: true,
      });
      if (!message || message.fromId === userId || message.text.trim() === "") continue;
      const { mention_roles, referenced_message } = raw;
      const isMention = has(raw["mentions"], userId) ||
        roles.some((role) => has(mention_roles, role.id));
      const isReply = has(referenced_message, userId);
      const isTheirs = channel.thread && (isTheirPlace || channel.thread.ownerId === userId);
      const rank = isReply ? 1 : isMention ? 0 : isTheirs ? 2 : 3;
      const link = messageLink({ guildId, channelId: channel.id, id });
      found.set(id, { channel, message, link, rank });
    }
    const oldest = parseSnowflake<"message">(page.at(-1)?.id ?? "");
    return { oldest, isWhole: page.length > 0 && !(page.length === MAX_HISTORY && isNew(oldest)) };
  }

  const counts = new Map<ChannelId, number>();
  for (const { open } of await findPlaces()) {
    const channel = await open();
    if (!channel) continue;
    const { id } = channel;
    const { oldest, isWhole } = await read(channel);
    if (oldest && !isWhole) {
      const near = nearIn(id).filter((one) => !found.has(one));
      const middle = snowflakeAt<"message">((since + createdAtMs(oldest)) / 2, 0);
      for (const spot of [...near, middle].slice(0, MORE_PAGES)) await read(channel, spot);
    }
    const had = [...found.values()].filter((one) => one.channel.id === id).length;
    counts.set(id, isWhole ? had : Math.max(rowOf(id)?.count ?? 0, had + 1));
  }
  const news = [...found.values()].sort((a, b) => compareIds(a.message.id, b.message.id));
  return { news, counts };
}

/** The threads of Discord's answer; those that do not fit are left out. */
function threadsIn(answer: unknown): readonly Channel[] {
  if (typeof answer !== "object" || answer === null || !("threads" in answer)) return [];
  const { threads } = answer;
  return Array.isArray(threads) ? threads.flatMap((raw) => channelOf(raw) ?? []) : [];
}

/** Whether a part of a message in Discord's form names an id, of its author if it is a message. */
function has(part: unknown, id: string): boolean {
  return part !== undefined && JSON.stringify(part, ["author", "id"]).includes(`"${id}"`);
}

/** Takes a refusal by Discord for an empty page. Other failures stay. */
function refused(error: unknown): [] {
  if (error instanceof RestError && error.code !== undefined) return [];
  throw error;
}

/** The channels of a server that a person may read. */
export interface Readable {
  /** Without threads. */
  readonly channels: ReadonlyMap<ChannelId, Channel>;
  /** The channel or thread, if the person may read it. */
  open(channelId: ChannelId): Promise<Channel | undefined>;
  /** The same for a thread that was read already. */
  openThread(thread: Channel): Promise<boolean>;
}

/**
 * Reads the rights of a person once.
 *
 * @param question The person's message, in the place of the answer.
 * @returns `undefined` if the person is not in the server.
 * @throws {RestError} If Discord does not answer, or refuses; as a rejection.
 */
export async function readableBy(
  account: BotAccount,
  question: InboundMessage,
  guildId: GuildId,
  { api, signal }: { readonly api: RestApi; readonly signal: AbortSignal },
): Promise<Readable | undefined> {
  const reads = createGuildReads(api, guildId, { signal });
  const [guild, all] = [await reads.facts(), await reads.channels()];
  const { place, sender: { id: userId } } = question;
  const member = await reads.member(userId);
  if (!member) return undefined;
  const isAdult = place.kind === "guild" && place.guild.id === guildId &&
    all.get(place.channel.id)?.isNsfw === true;
  const maySee = (there: PlaceFacts) =>
    missingRight(guild, member, there, ["Read Message History"], account.now()) === undefined;
  const channels = new Map(
    [...all].filter(([channelId, channel]) =>
      channel.type !== CHANNEL_KINDS.category && (isAdult || !channel.isNsfw) &&
      closedBy(account, question, { channelId, guildId }) === undefined &&
      maySee(readPlaceOf(channel))
    ),
  );

  async function openThread(thread: Channel): Promise<boolean> {
    const parent = thread.parentId && channels.get(thread.parentId);
    if (!parent || thread.guildId !== guildId) return false;
    const target = { channelId: thread.id, guildId, parentId: parent.id };
    if (closedBy(account, question, target) !== undefined) return false;
    if (!isPrivateThread(thread)) return true;
    const hasMember = await reads.isInThread(thread.id, userId);
    return maySee({
      ...readPlaceOf(parent),
      thread: { isPrivate: true, isLocked: false, hasMember },
    });
  }

  const read = new Map<ChannelId, () => Promise<Channel | undefined>>();

  /** A channel that is no channel of the list: a thread, or one that is gone. */
  async function readThread(channelId: ChannelId): Promise<Channel | undefined> {
    const thread = await readChannel(api, channelId, { signal }).catch((error: unknown) => {
      if (error instanceof RestError && error.code !== undefined) return undefined;
      throw error;
    });
    return thread && isThread(thread) && await openThread(thread) ? thread : undefined;
  }

  return {
    channels,
    openThread,
    async open(channelId) {
      if (all.has(channelId)) return channels.get(channelId);
      const reading = read.get(channelId) ?? once(() => readThread(channelId));
      read.set(channelId, reading);
      return await reading();
    },
  };
}
