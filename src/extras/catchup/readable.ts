/**
 * Finds the channels of a server whose messages a person may read (T17), by Discord's permissions of
 * this moment and by the config. Owners of the bot have the rights that they have at Discord.
 */

import { once } from "../../lib/cache.ts";
import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { type Channel, CHANNEL_KINDS, isThread } from "../../core/rights/permissions.ts";
import { missingRight, type PlaceFacts } from "../../core/rights/rights.ts";
import { closedBy } from "../../flows/judging/closed_by.ts";
import type { BotAccount } from "../../account/account.ts";
import { readPlaceOf } from "../../flows/actions/readers.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import {
  createGuildReads,
  isPrivateThread,
  readChannel,
} from "../../discord/rest/requests/guild_reads.ts";

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
