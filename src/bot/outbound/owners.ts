/**
 * Tells the bot's owners what only a person can mend or decide.
 *
 * Each of it is a direct message to each of them, through the same outbox as everything else.
 * Where there is no owner, or none who takes messages, it stays in the log and in health, and
 * nobody is told that nobody could be told.
 *
 * @module
 */

import type { ChannelId, UserId } from "../../core/discord/ids.ts";
import type { Button } from "../../core/outbound/outbound.ts";
import type { Log } from "../../lib/log.ts";

export interface OwnersPorts {
  /** Those whom the config names, or whom Discord does; none where neither says. */
  readonly ownerIds: () => Promise<readonly UserId[]>;
  /** Opens the direct channel with a user, or finds it. */
  readonly openDirect: (userId: UserId) => Promise<ChannelId>;
  /** Puts a message into the outbox. */
  readonly send: (
    channelId: ChannelId,
    text: string,
    buttons: readonly Button[],
  ) => Promise<void>;
  readonly log: Log;
}

export interface Owners {
  /** Never fails; what cannot be told is in the log. */
  tell(text: string, more?: OwnersWords): Promise<void>;
  /** Rejects where there are owners, and none of them could be written to. */
  reach(text: string, more?: OwnersWords): Promise<void>;
}

export interface OwnersWords {
  /** The channel that takes nothing; where that is an owner's own, they are not told. */
  readonly about?: ChannelId;
  readonly buttons?: readonly Button[];
}

export function createOwners({ ownerIds, openDirect, send, log }: OwnersPorts): Owners {
  const channels = new Map<UserId, ChannelId>();

  async function channelOf(owner: UserId): Promise<ChannelId> {
    const channelId = channels.get(owner) ?? await openDirect(owner);
    channels.set(owner, channelId);
    return channelId;
  }

  async function reach(
    text: string,
    { about, buttons = [] }: OwnersWords = {},
  ): Promise<void> {
    const owners = await ownerIds();
    if (owners.length === 0) {
      log.warn("This bot has no owner that it could write to, so nobody is told of this", { text });
    }
    const failures: unknown[] = [];
    for (const owner of owners) {
      try {
        const channelId = await channelOf(owner);
        if (channelId !== about) await send(channelId, text, buttons);
        else log.warn("The bot's owner takes no messages, so nobody is told of this", { text });
      } catch (error) {
        failures.push(error);
        if (owners.length > 1) log.warn("Cannot tell one of the bot's owners", { owner, error });
      }
    }
    if (failures.length > 0 && failures.length === owners.length) throw failures[0];
  }

  return {
    reach,
    async tell(text, more) {
      try {
        await reach(text, more);
      } catch (error) {
        log.warn("Cannot tell the bot's owner; see `barnacle status`", { text, error });
      }
    },
  };
}
