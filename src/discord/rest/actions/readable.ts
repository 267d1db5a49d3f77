/**
 * Finds the channels of a server whose messages a search may show (T17), by Discord's permissions of
 * this moment and by the config.
 *
 * What everyone in a channel reads, each of its readers must be allowed to read at its source
 * (`readers.ts`). A direct answer is for its asker alone. Owners of the bot have the rights that they
 * have at Discord.
 */

import { once } from "../../../lib/cache.ts";
import { type Channel, CHANNEL_KINDS, isThread } from "../../../core/rights/channel.ts";
import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import { type MemberFacts, missingRight, type PlaceFacts } from "../../../core/rights/rights.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import type { SearchReach } from "../../../core/turn/ports/search.ts";
import type { Clock } from "../../../lib/clock.ts";
import { createGuildReads, isPrivateThread, readChannel } from "../requests/guild_reads.ts";
import type { RestApi } from "../client/client.ts";
import { RestError } from "../exchange/rest_error.ts";
import type { GuildTarget } from "./options.ts";
import { createReaders, readPlaceOf } from "./readers.ts";

export interface ReadableOptions extends Clock {
  readonly client: RestApi;
  /** The config path that closes a channel to a person (P6–P9); `undefined`: it is open. */
  readonly closedBy: (asker: InboundMessage, target: GuildTarget) => string | undefined;
  /** Whether the config lets searches read a channel or thread. */
  readonly isSearchable: (target: GuildTarget) => boolean;
}

/** The channels of a server that a search may show. */
export interface Readable {
  readonly guildId: GuildId;
  /** Without threads. */
  readonly channels: ReadonlyMap<ChannelId, Channel>;
  /** The channel or thread, if a search may show its messages now. */
  open(channelId: ChannelId): Promise<Channel | undefined>;
  /** The same for a thread that was read already. */
  openThread(thread: Channel): Promise<boolean>;
}

/**
 * Reads the rights of one search.
 *
 * @returns `undefined` if no one who asks has any, because they are not in the server.
 * @throws {RestError} If Discord does not answer, or refuses; as a rejection.
 */
type FindReadable = (
  by: Pick<SearchReach, "messages" | "reach" | "signal">,
  guildId: GuildId,
) => Promise<Readable | undefined>;

/**
 * Creates the rules of an account. The function is long because its inner functions share the facts
 * that one search reads.
 */
export function createReadable(
  { client, closedBy, isSearchable, now }: ReadableOptions,
): FindReadable {
  return async ({ messages, reach, signal }, guildId) => {
    const reads = createGuildReads(client, guildId, { signal });
    const [guild, all] = [await reads.facts(), await reads.channels()];
    const [question] = messages;
    if (!question) return undefined;
    const home = question.place.kind === "guild" && question.place.guild.id === guildId
      ? all.get(question.place.channel.id)
      : undefined;
    const isHomeRestricted = home?.isNsfw === true;
    const mayAllRead = createReaders(reads, { now });
    const mayReadersSee = (source: Channel) => mayAllRead(question, source);
    const known = new Map<UserId, MemberFacts | undefined>();
    const askers = messages.map(({ sender }) => sender.id);
    if (reach === "asker") {
      for (const id of askers) {
        known.set(id, await reads.member(id));
        if (!known.get(id)) return undefined;
      }
    }

    function mayAskersSee(place: PlaceFacts): boolean {
      return askers.every((id) => {
        const member = known.get(id);
        return member !== undefined &&
          missingRight(guild, member, place, ["Read Message History"], now()) === undefined;
      });
    }

    const isOpenToAskers = (target: GuildTarget): boolean =>
      isSearchable(target) && messages.every((one) => closedBy(one, target) === undefined);

    async function isReadable(channel: Channel): Promise<boolean> {
      const { id: channelId, type, isNsfw } = channel;
      if (type === CHANNEL_KINDS.category || (isNsfw && !isHomeRestricted)) return false;
      if (!isOpenToAskers({ channelId, guildId })) return false;
      return reach === "readers"
        ? await mayReadersSee(channel)
        : mayAskersSee(readPlaceOf(channel));
    }

    const channels = new Map<ChannelId, Channel>();
    for (const channel of all.values()) {
      if (await isReadable(channel)) channels.set(channel.id, channel);
    }

    async function openThread(thread: Channel): Promise<boolean> {
      const parent = thread.parentId && channels.get(thread.parentId);
      if (!parent || thread.guildId !== guildId) return false;
      const target = { channelId: thread.id, guildId, parentId: parent.id };
      if (!isOpenToAskers(target)) return false;
      if (!isPrivateThread(thread)) return true;
      // Discord tells no one who else sees a private thread, so only its own answers quote it.
      if (reach === "readers") return thread.id === question?.channelId;
      const inThread = await Promise.all(askers.map((id) => reads.isInThread(thread.id, id)));
      return askers.every((_, at) =>
        mayAskersSee({
          ...readPlaceOf(parent),
          thread: { isPrivate: true, isLocked: false, hasMember: inThread[at] === true },
        })
      );
    }

    const read = new Map<ChannelId, () => Promise<Channel | undefined>>();

    /** A channel that is no channel of the list: a thread, or one that is gone. */
    async function readThread(channelId: ChannelId): Promise<Channel | undefined> {
      const thread = await readChannel(client, channelId, { signal }).catch((error: unknown) => {
        if (error instanceof RestError && error.code !== undefined) return undefined;
        throw error;
      });
      return thread && isThread(thread) && await openThread(thread) ? thread : undefined;
    }

    return {
      guildId,
      channels,
      openThread,
      async open(channelId) {
        if (all.has(channelId)) return channels.get(channelId);
        const reading = read.get(channelId) ?? once(() => readThread(channelId));
        read.set(channelId, reading);
        return await reading();
      },
    };
  };
}
