/**
 * Sends the bot's owners notices about problems that only a person can fix or decide.
 *
 * Each notice is a direct message to each owner, through the same outbox as all messages. Without a
 * reachable owner, the problem stays in the log and in health. A failed notice causes no further
 * notice. If Discord refuses to open a direct channel with an owner, or a message there, health names the owner.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { ChannelId, GuildId, UserId } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import type { Button } from "../../core/outbound/outbound.ts";
import { openDirect } from "../../discord/rest/requests/guild_reads.ts";
import { isFinalRefusal } from "../../discord/rest/exchange/rest_error.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { tellChannel, tellOnce } from "../tell.ts";
import { listedOwners, ownersToTell } from "./owner_ids.ts";

/** Options of a notice: the channel that it is about, and its buttons. */
interface NoticeOptions {
  /** The channel that refuses messages. An owner whose own direct channel it is gets no notice. */
  readonly about?: ChannelId;
  /** Names the notice: each owner gets it once. */
  readonly key?: string;
  /** Each owner gets it once a day (UTC). */
  readonly isDaily?: true;
  /** Buttons below the text. */
  readonly buttons?: readonly Button[];
}

const known = perAccount("delivery", () => ({
  channels: new Map<UserId, ChannelId>(),
  /** Discord's reason for each owner with whom it opens no direct channel. */
  unreachable: new Map<UserId, string>(),
}));

/** Sends a notice to the bot's owners; never rejects, but logs failures. */
export async function tellOwners(
  account: BotAccount,
  text: string,
  more: NoticeOptions = {},
): Promise<void> {
  try {
    await send(account, text, more, { text });
  } catch (error) {
    const event = "Cannot send a notice to the bot's owner; see `barnacle status`";
    account.log.warn(event, { text, error });
  }
}

/**
 * Sends a notice; rejects if there are owners, and none could be reached: with a failure that may
 * pass, if there is one. The log never has its text, which may contain a pairing code.
 *
 * @returns The number of owners that it is on its way to.
 */
export function reachOwners(
  account: BotAccount,
  text: string,
  more: NoticeOptions = {},
): Promise<number> {
  return send(account, text, more, {});
}

export interface RefusedChannel {
  readonly channelId: ChannelId;
  /** Absent for a direct message channel. */
  readonly guildId?: GuildId;
  /** For people: the missing permission by name, or Discord's own words. */
  readonly reason: string;
}

/** Discord does not let the bot post in a channel, perhaps that of an owner. */
export function ownerRefused(account: BotAccount, { channelId, reason }: RefusedChannel): void {
  const { channels, unreachable } = known(account);
  for (const [owner, id] of channels) if (id === channelId) unreachable.set(owner, reason);
}

/** Discord has a message in a channel, perhaps that of an owner. */
export function ownerReached(account: BotAccount, channelId: ChannelId): void {
  const { channels, unreachable } = known(account);
  if (unreachable.size === 0) return;
  for (const [owner, id] of channels) if (id === channelId) unreachable.delete(owner);
}

/** Owners who get no notices, for health: as of the last notice. */
export function ownerFindings(account: BotAccount): readonly Finding[] {
  const listed = listedOwners(account);
  return [...known(account).unreachable]
    .filter(([owner]) => listed?.includes(owner) ?? true)
    .map(([owner, reason]) => ({
      id: "owners:reached",
      what: "Owners",
      status: "warn",
      why: `notices and pairing requests do not reach the owner ${owner}: ${reason}`,
      fix: "an owner must share a server with the bot: correct `commands.ownerAllowFrom`",
    }));
}

async function channelOf(account: BotAccount, owner: UserId): Promise<ChannelId> {
  const { channels, unreachable } = known(account);
  const before = channels.get(owner);
  if (before !== undefined) return before;
  try {
    const channelId = await openDirect(account.rest, owner);
    channels.set(owner, channelId);
    unreachable.delete(owner);
    return channelId;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (isFinalRefusal(error)) unreachable.set(owner, reason);
    throw error;
  }
}

/** @param logged Fields of the log line about a notice that no owner gets. */
async function send(
  account: BotAccount,
  text: string,
  { about, key, isDaily, buttons }: NoticeOptions,
  logged: { readonly text?: string },
): Promise<number> {
  const { log, now } = account;
  const day = isDaily ? `:${Math.floor(now() / DAY_MS)}` : "";
  const owners = await ownersToTell(account);
  let reached = 0;
  if (owners.length === 0) {
    log.warn("This bot has no owner it can write to, so a notice was not sent", logged);
  }
  const failures: unknown[] = [];
  for (const owner of owners) {
    try {
      const channelId = await channelOf(account, owner);
      if (channelId === about) {
        log.warn("The bot's owner accepts no direct messages, so a notice was not sent", logged);
        continue;
      }
      if (key !== undefined) await tellOnce(account, channelId, text, `${key}:${owner}${day}`);
      else await tellChannel(account, channelId, text, buttons);
      reached++;
    } catch (error) {
      failures.push(error);
      if (owners.length > 1) {
        log.warn("Cannot send a notice to one of the bot's owners", { owner, error });
      }
    }
  }
  if (failures.length > 0 && failures.length === owners.length) {
    throw failures.find((failure) => !isFinalRefusal(failure)) ?? failures[0];
  }
  return reached;
}
