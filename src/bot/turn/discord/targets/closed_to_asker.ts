/**
 * Finds the rule by which the policy closes a channel to the asker of a turn (T5).
 *
 * @module
 */

import type { ChannelId, GuildId } from "../../../../core/discord/ids.ts";
import type { GuildPlace, InboundMessage } from "../../../../core/inbound/inbound.ts";
import { placeIn } from "../../../../discord/gateway/decode/places.ts";
import type { Reader } from "../../../../discord/gateway/read/reader.ts";
import { type ClosedBy, prepareClosedBy } from "../../../../policy/places.ts";
import type { AccessPolicy } from "../../../../policy/rules/rules.ts";

/** A channel or thread of a guild. */
export interface GuildTarget {
  /** The channel. */
  readonly channelId: ChannelId;
  /** The guild. */
  readonly guildId: GuildId;
  /** The channel of a thread; absent for other channels. */
  readonly parentId?: ChannelId;
}

/** The config path that closes a channel to the asker; `undefined` if the policy opens it. */
export type ClosedToAsker = (asker: InboundMessage, target: GuildTarget) => string | undefined;

/** The sources of the check. */
export interface ClosedToAskerOptions {
  /** The current policy. */
  readonly policy: () => AccessPolicy;
  /** The account's own user and its guilds, as the gateway told them. */
  readonly reader: Pick<Reader, "index">;
  /** Whether the sender of a message is an owner of the bot (P10). */
  readonly isOwner: (message: InboundMessage) => boolean;
}

/** Creates a {@link ClosedToAsker}. */
export function createClosedToAsker(
  { policy, reader, isOwner }: ClosedToAskerOptions,
): ClosedToAsker {
  let prepared: { readonly of: AccessPolicy; readonly closedBy: ClosedBy } | undefined;

  /** The index has no archived thread, so Discord's answer names its channel. */
  function placeOf({ guildId, channelId, parentId }: GuildTarget): GuildPlace {
    const guild = reader.index.get(guildId);
    const place = placeIn(guildId, channelId, guild);
    if (parentId === undefined || place.thread) return place;
    return { ...placeIn(guildId, parentId, guild), thread: { id: channelId, name: channelId } };
  }

  return (asker, target) => {
    const now = policy();
    if (prepared?.of !== now) prepared = { of: now, closedBy: prepareClosedBy(now) };
    return prepared.closedBy({
      channelId: target.channelId,
      place: placeOf(target),
      sender: asker.sender,
      isOwner: isOwner(asker),
    });
  };
}
