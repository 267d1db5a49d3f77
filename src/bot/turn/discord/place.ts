/**
 * Makes the place in which an action of the tool `discord` acts.
 *
 * @module
 */

import type { Channel } from "../../../core/rights/channel.ts";
import type { AccountId, ChannelId, MessageId, UserId } from "../../../core/discord/ids.ts";
import { nonceOfCall } from "../../../core/outbound/nonce.ts";
import type { Need } from "../../../core/rights/rights.ts";
import type { DiscordCall } from "../../../core/turn/ports/discord.ts";
import type {
  Change,
  ChannelPlace,
  GuildPlace,
  MediaFile,
} from "../../../core/turn/ports/discord_place.ts";
import { channelOf } from "../../../discord/rest/calls/guild_reads.ts";
import type { RestApi } from "../../../discord/rest/client/client.ts";
import { RestError } from "../../../discord/rest/exchange/rest_error.ts";
import type { AssertMayQuote } from "./age_limit.ts";
import type { IsAnswerTo } from "./own_messages.ts";
import { isAllowed as isAllowedAction, ProbeEnded } from "./asking/escalation.ts";
import { mayGoOn, stoppedAt } from "./asking/limit.ts";
import type { Show } from "./reading.ts";
import { createRequests, type RequestsOptions, type SendRequest } from "./requests.ts";
import type { Found, Origin, Targets } from "./targets/targets.ts";
import { UNDO_MINUTES } from "./undo/can_undo.ts";
import { badArguments } from "../../../core/refused_call.ts";
import type { ToolChanges } from "../../../core/store/changes.ts";
import type { AnsweredPeople } from "../../../core/store/inbox.ts";

/** The sources of places. */
export interface PlaceOptions extends Omit<RequestsOptions, "client">, AnsweredPeople {
  /** Sends requests to Discord. */
  readonly client: RestApi;
  /** The account. */
  readonly accountId: AccountId;
  /** Checks the target of a call. */
  readonly targets: Targets;
  /** Changes by the tool `discord`, with the way to take each back. */
  readonly changes: Pick<ToolChanges, "begin" | "posted" | "refused">;
  /** Maximum number of destructive actions of a turn: `tools.discord.maxDestructive`. */
  readonly maxDestructive: () => number;
  /** Whether a message of the bot answers a person. */
  readonly isAnswerTo: IsAnswerTo;
  /** Shows a message to the model. */
  readonly show: Show;
  /** Rejects if the text may not be shown in the channel of the call. */
  readonly assertMayQuote: AssertMayQuote;
  /** The bot's user id; `undefined` until it is known. */
  readonly self: () => UserId | undefined;
  /** Reads a file of Discord. */
  readonly media: (url: string, maxBytes: number, signal: AbortSignal) => Promise<MediaFile>;
}

/** Makes places. */
export interface Places {
  /** The guild of a call, without a channel. */
  guild(call: DiscordCall, origin: Origin, found: Found): GuildPlace;
  /** The channel of a call; rejects if the call may not act there. */
  channel(call: DiscordCall, origin: Origin, found: Found): Promise<ChannelPlace>;
}

/**
 * Creates the places of one account. The function is long because a place is one list of short
 * methods over the same call.
 */
export function createPlaces(options: PlaceOptions): Places {
  const { targets, changes, accountId, maxDestructive, cleanSecrets, show, self, media, now } =
    options;
  const { assertMayQuote, isAnswerTo, askerOf } = options;

  /** The parts that servers and channels share. */
  function common(call: DiscordCall, origin: Origin, found: Found) {
    const { message, signal, callKey } = call;
    const userId = self();
    if (userId === undefined) throw new Error("the bot does not know its own id yet");
    const { place } = message;
    return {
      request: call.isProbe
        ? probing(createRequests(options, call))
        : createRequests(options, call),
      assertMay: (needs: readonly Need[]) => targets.assertMay(origin, found, needs),
      assertBotMay: (needs: readonly Need[]) => targets.assertBotMay(origin, found, needs),
      async assertMayIn(channelId: ChannelId, needs: readonly Need[]): Promise<Channel> {
        const other = await targets.channel(origin, channelId);
        await targets.assertMay(origin, other, needs);
        await targets.assertBotMay(origin, other, needs);
        return await other.channel();
      },
      async change({ what, dryRun, undo }: Change, run: () => Promise<string>): Promise<string> {
        const about = undo
          ? `It can be undone for ${UNDO_MINUTES} minutes.`
          : "It cannot be undone.";
        if (dryRun) return `Dry run: this would ${what}. ${about}`;
        if (call.isProbe) throw new ProbeEnded();
        const isAllowed = mayGoOn(call.decision) || isAllowedAction(call.decision);
        const most = isAllowed ? Infinity : maxDestructive();
        if (call.decision && !isAllowed) throw stoppedAt(most, call.decision);
        const { guild, channelId } = found;
        const made = await changes.begin(
          {
            accountId,
            callKey,
            turnId: message.id,
            askerId: message.sender.id,
            ...(guild && { guildId: guild.id }),
            ...(channelId && { channelId }),
            what,
            ...(undo && { undo }),
          },
          most,
          now(),
        );
        if (!made) throw stoppedAt(most, call.decision);
        try {
          const result = await run();
          return made.undo
            ? `${result} To undo: undo(id ${made.id}). ${about}`
            : `${result} ${about}`;
        } catch (error) {
          if (isRefused(error)) await changes.refused(made.id);
          throw error;
        }
      },
      show: async (raw: unknown) => {
        const isMessage = typeof raw === "object" && raw !== null && "id" in raw &&
          typeof raw.id === "string";
        if (!isMessage) return undefined;
        return await show({ ...raw, id: String(raw.id) }, {
          ...(found.guild && { guildId: found.guild.id }),
          isGroup: place.kind === "group_dm",
          isElsewhere: "channel_id" in raw && raw.channel_id !== message.channelId,
        });
      },
      media: (url: string, maxBytes: number) =>
        call.isProbe ? Promise.reject(new ProbeEnded()) : media(url, maxBytes, signal),
      clean: cleanSecrets,
      nonce: nonceOfCall(callKey, 0),
      self: userId,
      isAnswerToAsker: (messageId: MessageId) => isAnswerTo(origin, messageId),
      postedFor: (messageId: MessageId) => askerOf(accountId, messageId),
      posted: (messageId: MessageId) =>
        changes.posted({ accountId, messageId, askerId: message.sender.id }, now()),
      askerId: message.sender.id,
      nowMs: now(),
    };
  }

  function guild(call: DiscordCall, origin: Origin, found: Found): GuildPlace {
    if (!found.guild) throw badArguments("that is possible on a server only");
    const { id: guildId, reads } = found.guild;
    // An owner allows one action, and not more in lists than the asker may see.
    const { decision: _, ...own } = origin;
    const maySee = async (channel: ChannelId | Channel, needs: readonly Need[] = []) => {
      try {
        const there = typeof channel === "string"
          ? await targets.channel(own, channel)
          : inGuild(found, channel);
        if (there.guild?.id !== guildId) return false;
        await targets.assertMay(own, { ...there, guild: { id: guildId, reads } }, needs);
        return true;
      } catch (error) {
        if (error instanceof RestError) throw error;
        return false;
      }
    };
    return {
      ...common(call, origin, found),
      guildId,
      facts: reads.facts,
      async member(userId) {
        const member = await reads.member(userId);
        if (!member) throw badArguments("that user is not a member of the server");
        return member;
      },
      async channels(needs = []) {
        const all = [...(await reads.channels()).values()];
        const seen = await Promise.all(all.map((channel) => maySee(channel, needs)));
        return all.filter((_, index) => seen[index]);
      },
      maySee,
      read: channelOf,
      async mayQuote(channelId) {
        try {
          await assertMayQuote(call.message, channelId);
          return true;
        } catch (error) {
          if (error instanceof RestError) throw error;
          return false;
        }
      },
      async isAgeRestricted({ isNsfw, parentId }) {
        const parent = parentId && (await reads.channels()).get(parentId);
        return isNsfw || parent?.isNsfw === true;
      },
    };
  }

  return {
    guild,
    async channel(call, origin, found) {
      const { guild: server } = found;
      return {
        ...common(call, origin, found),
        channel: await found.channel(),
        ...(server && { guild: guild(call, origin, { ...found, guild: server }) }),
      };
    },
  };
}

/** A channel of the same server, with the facts that were read already. */
function inGuild({ guild }: Found, channel: Channel): Found {
  return {
    channelId: channel.id,
    channel: () => Promise.resolve(channel),
    ...(guild && { guild }),
  };
}

/** Whether Discord has certainly not carried the request out. */
function isRefused(error: unknown): boolean {
  return !(error instanceof RestError) || error.kind !== "unavailable";
}

/** Lets a probe read, but neither change anything nor search. */
function probing(request: SendRequest): SendRequest {
  return (method, path, options) =>
    method === "GET" && !path.endsWith("/messages/search")
      ? request(method, path, options)
      : Promise.reject(new ProbeEnded());
}
