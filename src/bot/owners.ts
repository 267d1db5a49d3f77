/**
 * Tells the bot's owner what only a person can mend.
 *
 * Each of it is one direct message, through the same outbox as everything else.
 * Where Discord names no owner, or the owner takes no messages, it stays in the
 * log and in health, and nobody is told that nobody could be told.
 *
 * @module
 */

import type { ChannelId, UserId } from "../core/ids.ts";
import type { Log } from "../lib/log.ts";

export interface OwnerPorts {
  /** The application's owner, or its team's; absent where Discord does not say. */
  readonly ownerId: () => Promise<UserId | undefined>;
  /** Opens the direct channel with a user, or finds it. */
  readonly openDirect: (userId: UserId) => Promise<ChannelId>;
  /** Puts a message into the outbox. */
  readonly send: (channelId: ChannelId, text: string) => Promise<void>;
  readonly log: Log;
}

export interface Owner {
  /**
   * Never fails; what cannot be told is in the log.
   *
   * @param about The channel that takes nothing; where that is the owner's own, this is not told.
   */
  tell(text: string, about?: ChannelId): Promise<void>;
}

export function createOwner({ ownerId, openDirect, send, log }: OwnerPorts): Owner {
  let channelId: ChannelId | undefined;

  return {
    async tell(text, about) {
      try {
        const owner = await ownerId();
        if (owner === undefined) {
          log.warn("Discord names no owner of this bot, so nobody is told of this", { text });
          return;
        }
        channelId ??= await openDirect(owner);
        if (channelId === about) {
          log.warn("The bot's owner takes no messages, so nobody is told of this", { text });
          return;
        }
        await send(channelId, text);
      } catch (error) {
        log.warn("Cannot tell the bot's owner; see `barnacle status`", { text, error });
      }
    },
  };
}
