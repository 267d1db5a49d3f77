/**
 * Sends the bot's owners notices about problems that only a person can fix or decide.
 *
 * Each notice is a direct message to each owner, through the same outbox as all messages. Without a
 * reachable owner, the problem stays in the log and in health. A failed notice causes no further
 * notice. If Discord refuses to open a direct channel with an owner, or a message there, health names the owner.
 */

import type { OpenDirect } from "../../core/outbound/requests.ts";
import type { ChannelId, UserId } from "../../core/discord/ids.ts";
import type { Button } from "../../core/outbound/outbound.ts";
import type { Account } from "../../core/account/account.ts";
import type { Finding } from "../../core/finding.ts";

export interface OwnersPorts extends Pick<Account, "log"> {
  /** The owners from the config, or else from Discord; empty if neither names any. */
  readonly ownerIds: () => Promise<readonly UserId[]>;
  readonly openDirect: OpenDirect;
  /** Whether an error means that Discord never opens the channel. */
  readonly isRefused: (error: unknown) => boolean;
  readonly send: (channelId: ChannelId, text: string, buttons: readonly Button[]) => Promise<void>;
}

/** Options of a notice: the channel that it is about, and its buttons. */
interface NoticeOptions {
  /** The channel that refuses messages. An owner whose own direct channel it is gets no notice. */
  readonly about?: ChannelId;
  /** Buttons below the text. */
  readonly buttons?: readonly Button[];
}

export function createOwners(
  { ownerIds, openDirect, isRefused, send: post, log }: OwnersPorts,
) {
  const channels = new Map<UserId, ChannelId>();
  /** Discord's reason for each owner with whom it opens no direct channel. */
  const unreachable = new Map<UserId, string>();

  async function channelOf(owner: UserId): Promise<ChannelId> {
    const known = channels.get(owner);
    if (known !== undefined) return known;
    try {
      const channelId = await openDirect(owner);
      channels.set(owner, channelId);
      unreachable.delete(owner);
      return channelId;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (isRefused(error)) unreachable.set(owner, reason);
      throw error;
    }
  }

  /** @param logged Fields of the log line about a notice that no owner gets. */
  async function send(
    text: string,
    { about, buttons = [] }: NoticeOptions,
    logged: { readonly text?: string },
  ): Promise<number> {
    const owners = await ownerIds();
    let reached = 0;
    if (owners.length === 0) {
      log.warn("This bot has no owner it can write to, so a notice was not sent", logged);
    }
    const failures: unknown[] = [];
    for (const owner of owners) {
      try {
        const channelId = await channelOf(owner);
        if (channelId === about) {
          log.warn("The bot's owner accepts no direct messages, so a notice was not sent", logged);
          continue;
        }
        await post(channelId, text, buttons);
        reached++;
      } catch (error) {
        failures.push(error);
        if (owners.length > 1) {
          log.warn("Cannot send a notice to one of the bot's owners", { owner, error });
        }
      }
    }
    if (failures.length > 0 && failures.length === owners.length) {
      throw failures.find((failure) => !isRefused(failure)) ?? failures[0];
    }
    return reached;
  }

  return {
    /** Discord does not let the bot post in a channel, perhaps that of an owner. */
    parked(
      { channelId, reason }: { readonly channelId: ChannelId; readonly reason: string },
    ): void {
      for (const [owner, id] of channels) if (id === channelId) unreachable.set(owner, reason);
    },
    delivered(channelId: ChannelId): void {
      if (unreachable.size === 0) return;
      for (const [owner, id] of channels) if (id === channelId) unreachable.delete(owner);
    },
    /**
     * Sends a notice; rejects if there are owners, and none could be reached: with a failure that may
     * pass, if there is one. The log never has its text, which may contain a pairing code.
     *
     * @returns The number of owners that it is on its way to.
     */
    reach: (text: string, more: NoticeOptions = {}): Promise<number> => send(text, more, {}),
    /** Sends a notice; never rejects, but logs failures. */
    async tell(text: string, more: NoticeOptions = {}): Promise<void> {
      try {
        await send(text, more, { text });
      } catch (error) {
        log.warn("Cannot send a notice to the bot's owner; see `barnacle status`", { text, error });
      }
    },
    /** The config has changed: health forgets people who are no longer owners. Never rejects. */
    async reconfigured(): Promise<void> {
      if (unreachable.size === 0) return;
      const owners = await ownerIds().catch(() => undefined); // the next notice asks again
      if (!owners) return;
      for (const id of unreachable.keys()) if (!owners.includes(id)) unreachable.delete(id);
    },
    /** Owners who get no notices, for health: as of the last notice. */
    findings: (): readonly Finding[] =>
      Array.from(unreachable, ([owner, reason]) => ({
        id: "owners:reached",
        what: "Owners",
        status: "warn",
        why: `notices and pairing requests do not reach the owner ${owner}: ${reason}`,
        fix: "an owner must share a server with the bot: correct `commands.ownerAllowFrom`",
      })),
  };
}

/** Sends notices to the bot's owners. */
export type Owners = ReturnType<typeof createOwners>;
