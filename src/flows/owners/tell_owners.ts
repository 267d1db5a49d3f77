/**
 * Sends the bot's owners notices about problems that only a person can fix or decide.
 *
 * Each notice is a direct message to each owner, through the same outbox as all messages. Without a
 * reachable owner, the problem stays in the log and in health. A failed notice causes no further
 * notice.
 */

import type { OpenDirect } from "../../core/outbound/calls.ts";
import type { ChannelId, UserId } from "../../core/discord/ids.ts";
import type { Button } from "../../core/outbound/outbound.ts";
import type { Account } from "../../core/account/account.ts";

/** The dependencies of notices to owners. */
export interface OwnersPorts extends Pick<Account, "log"> {
  /** The owners from the config, or else from Discord; empty if neither names any. */
  readonly ownerIds: () => Promise<readonly UserId[]>;
  readonly openDirect: OpenDirect;
  readonly send: (channelId: ChannelId, text: string, buttons: readonly Button[]) => Promise<void>;
}

/** Options of a notice: the channel that it is about, and its buttons. */
export interface NoticeOptions {
  /** The channel that refuses messages. An owner whose own direct channel it is gets no notice. */
  readonly about?: ChannelId;
  /** Buttons below the text. */
  readonly buttons?: readonly Button[];
}

/** Creates the sender of notices. */
export function createOwners({ ownerIds, openDirect, send, log }: OwnersPorts) {
  const channels = new Map<UserId, ChannelId>();

  async function channelOf(owner: UserId): Promise<ChannelId> {
    const channelId = channels.get(owner) ?? await openDirect(owner);
    channels.set(owner, channelId);
    return channelId;
  }

  async function reach(text: string, { about, buttons = [] }: NoticeOptions = {}): Promise<number> {
    const owners = await ownerIds();
    let reached = 0;
    if (owners.length === 0) {
      log.warn("This bot has no owner it can write to, so this notice was not sent", { text });
    }
    const failures: unknown[] = [];
    for (const owner of owners) {
      try {
        const channelId = await channelOf(owner);
        if (channelId === about) {
          log.warn("The bot's owner accepts no direct messages, so this notice was not sent", {
            text,
          });
          continue;
        }
        await send(channelId, text, buttons);
        reached++;
      } catch (error) {
        failures.push(error);
        if (owners.length > 1) {
          log.warn("Cannot send a notice to one of the bot's owners", { owner, error });
        }
      }
    }
    if (failures.length > 0 && failures.length === owners.length) throw failures[0];
    return reached;
  }

  return {
    /**
     * Sends a notice; rejects if there are owners, and none could be reached.
     *
     * @returns The number of owners that it is on its way to.
     */
    reach,
    /** Sends a notice; never rejects, but logs failures. */
    async tell(text: string, more?: NoticeOptions): Promise<void> {
      try {
        await reach(text, more);
      } catch (error) {
        log.warn("Cannot send a notice to the bot's owner; see `barnacle status`", { text, error });
      }
    },
  };
}

/** Sends notices to the bot's owners. */
export type Owners = ReturnType<typeof createOwners>;
