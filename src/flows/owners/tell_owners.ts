/**
 * Sends the bot's owners notices about problems that only a person can fix or decide.
 *
 * Each notice is a direct message to each owner, through the same outbox as all messages. Without a
 * reachable owner, the problem stays in the log and in health. A failed notice causes no further
 * notice. If Discord refuses to open a direct channel with an owner, or a message there, health
 * names the owner.
 *
 * They hear of fifty failures of a channel once, when bots talk among themselves, of an event of a
 * server that got no answer (W7), and of parts of requests that a model's server refuses (L3).
 */

import type { BotAccount } from "../../account/account.ts";
import type { RefusedPart } from "../../core/model.ts";
import { perAccount } from "../../account/per_account.ts";
import type { ChannelId, GuildId, UserId } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import { type Hooked, hookText } from "../../core/hooks/hook.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Button } from "../../core/outbound/outbound.ts";
import { isFinalRefusal } from "../../discord/rest/exchange/exchange.ts";
import { createExplainDenial, openDirect } from "../../discord/rest/requests/guild_reads.ts";
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

interface RefusedChannel {
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

/** Messages of a channel wait, because Discord does not let the bot post there. */
export function tellParked(account: BotAccount, { channelId, reason }: RefusedChannel): void {
  void tellOwners(
    account,
    `My messages for <#${channelId}> are waiting: ${shown(reason)}. I'll try again once that has ` +
      "changed.",
    { about: channelId },
  );
}

/** Messages are lost, or held, and no person who waited for them could be told. */
export function tellLost(
  account: BotAccount,
  { channelId, count, reason, key }: RefusedChannel & {
    readonly count: number;
    readonly key: string;
  },
): Promise<void> {
  return tellOwners(
    account,
    `Messages that I gave up for <#${channelId}>: ${count}. Last reason: ${shown(reason)}. To ` +
      "see them, run `barnacle outbox`.",
    { about: channelId, key },
  );
}

/** The bot answers no bot in a channel any more (P11). */
export function tellLoopMuted(account: BotAccount, channelId: ChannelId): void {
  void tellOwners(
    account,
    `In <#${channelId}> only bots write, so I answer them again only when a person has written, or ` +
      "after some quiet. If one never answers me, as a feed, add its ID to `loopGuard.feeds`.",
    { about: channelId },
  );
}

/** Sending pauses, because Discord counted too many invalid requests. */
export function tellStopped(account: BotAccount, count: number): void {
  void tellOwners(
    account,
    `Discord refused ${count} of my requests within ten minutes, so I paused my requests for a ` +
      "while. To see the current number, run `barnacle status`.",
  );
}

/** A place that takes no files. */
type FilelessPlace = Omit<RefusedChannel, "reason">;

const PERMISSION_MISSING = "the permission Attach Files is missing";

/** An answer was sent without its files, because the settings of the guild forbid files there (R12a). */
export function filesLeftOut(account: BotAccount, place: FilelessPlace): void {
  void explainNoFiles(account, place).catch(() => undefined).then((reason = PERMISSION_MISSING) =>
    filesRefused(account, { ...place, reason })
  );
}

/** Discord has refused a file, for the given reason (R12a). */
export function filesRefused(account: BotAccount, { channelId, ...place }: RefusedChannel): void {
  account.log.warn("Discord does not let the bot attach files in a channel", {
    channelId,
    ...place,
  });
  void tellOwners(
    account,
    `My long answers in <#${channelId}> lack their end: ${shown(place.reason)}. I'll send them ` +
      "whole once that has changed.",
    { about: channelId, key: `files:${channelId}`, isDaily: true },
  );
}

/** Names the missing permission; `undefined` if none is missing. Rejects without an answer. */
async function explainNoFiles(
  { rest, self, now }: BotAccount,
  { channelId, guildId }: FilelessPlace,
): Promise<string | undefined> {
  const userId = self()?.userId;
  if (userId === undefined) return undefined;
  const place = guildId ? { channelId, guildId, userId } : { channelId, userId };
  return (await createExplainDenial(rest, now)(place, ["Attach Files"]))?.text;
}

/** A reason with names as they are written, and times in the zone of each reader. */
function shown(reason: string): string {
  return reason.replace(/[\\*_~`|]/g, "\\$&").replace(
    /\d{4}-\d\d-\d\dT[\d:.]+Z/g,
    (time) => `<t:${Math.floor(Date.parse(time) / 1_000)}:f>`,
  );
}

/** The turn of an event has failed. */
export function tellFailedEvent(
  account: BotAccount,
  { id }: InboundMessage,
  { hook }: Hooked,
): void {
  void tellOwners(
    account,
    `A turn of ${hookText(hook)} failed, so its event has no answer. To see why: ` +
      `\`barnacle why ${id}\`.`,
    { key: `event:${hook}`, isDaily: true },
  );
}

/** The parts of requests that the servers of all models have refused. */
export function refusedParts({ models, choices }: BotAccount["settings"]): readonly RefusedPart[] {
  return [...models.refused(), ...choices?.refused() ?? []];
}

const toldOf = perAccount("delivery", () => new Set<string>());

/** Tells each refused part once, those of one model together: the reasons of one part may differ. */
export function tellRefusedParts(account: BotAccount): void {
  const refused = refusedParts(account.settings);
  if (refused.length === 0) return; // as after nearly all turns
  const told = toldOf(account);
  const fresh = refused
    .filter(({ modelId, part }) => !told.has(`${modelId} ${part}`));
  for (const [model, parts] of Map.groupBy(fresh, ({ modelId }) => modelId)) {
    for (const { part } of parts) told.add(`${model} ${part}`);
    const part = [...new Set(parts.map((one) => one.part))].join(", ");
    const fix = [...new Set(parts.map((one) => one.fix))].join("; or ");
    void tellOwners(
      account,
      `The server of my model \`${model}\` refuses ${part}. I leave that out. To fix it, ${fix}.`,
    );
  }
}
