/** Judges a run by the rights that its creator has at that moment (T12). */

import type { BotAccount } from "../../account/account.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { cameBy } from "../../core/inbound/inbound.ts";
import type { Judged, Judgement, Route } from "../../core/inbound/inbox.ts";
import { finalVerdict, ignored } from "../../core/inbound/inbox.ts";
import type { SetBy } from "./schedule.ts";
import { namedRoles, placeIn } from "../../discord/gateway/decode/decode.ts";
import { createExplainDenial, neededToPost } from "../../discord/rest/permissions/denial.ts";
import { readMember } from "../../discord/rest/requests/guild_reads.ts";
import { judge, routeOf } from "../../flows/judging/judge.ts";
import { routeAs } from "../../session/session.ts";

/**
 * The creator and the place, with the creator's roles and the names of the place as they are now, and whether they may
 * write there; `undefined` if they have left the guild.
 *
 * @throws {RestError} If Discord does not answer.
 */
export async function creatorNow(
  { rest, reader, now }: BotAccount,
  setBy: SetBy,
): Promise<SetBy & { readonly mayWrite: boolean } | undefined> {
  const { guildId, channelId, sender } = setBy;
  if (guildId === undefined) return { ...setBy, mayWrite: true };
  const { id: userId } = sender;
  const member = await readMember(rest, guildId, userId);
  if (!member) return undefined;
  const needed = neededToPost({ hasFiles: false, isQuote: false });
  const denied = await createExplainDenial(rest, now)({ guildId, channelId, userId }, needed);
  const guild = reader.index.get(guildId);
  return {
    ...setBy,
    mayWrite: !denied,
    place: placeIn(guildId, channelId, guild),
    sender: { ...sender, roles: namedRoles(member.roles, guild) },
  };
}

/** Judges the message of a run by the current policy. */
export async function judgeRun(account: BotAccount, message: InboundMessage): Promise<Judgement> {
  const { accountId, store } = account;
  const { place, sender } = message;
  const isPaired = place.kind !== "guild" && await store.pairing.isPaired(accountId, sender.id);
  const judged = judge(account, message, {
    isUnproxied: true, // PluralKit has no part in a message that Discord does not have
    isPaired: isPaired || undefined,
  }, "not_live");
  return { ...judged, verdict: finalVerdict(judged.verdict) };
}

/** The agent that set a schedule runs it; if the config no longer has it, that of the place (N2). */
export function routeOfRun(account: BotAccount, message: InboundMessage): Route {
  const agentId = cameBy(message, "schedule")?.agentId;
  const found = routeOf(account, message);
  const isThere = account.config().agentList.some(({ id }) => id === agentId);
  return agentId !== undefined && isThere ? routeAs(found, agentId) : found;
}

/** The rule of a verdict that no key of the config decides. */
const RULE = "agents";

export const RESTORED: Pick<Judged, "verdict"> = { verdict: ignored("restored", RULE) };
export const GONE: Pick<Judged, "verdict"> = { verdict: ignored("creator-gone", RULE) };
