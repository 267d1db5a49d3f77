/**
 * Runs an account's schedules: with the rights that their creators have at that moment (T12).
 *
 * Owners learn of failed and paused schedules.
 */

import type { Account } from "../../core/account/account.ts";
import type { GuildId, MessageId } from "../../core/discord/ids.ts";
import type { GuildPlace, InboundMessage, Role } from "../../core/inbound/inbound.ts";
import type { Route } from "../../core/inbound/inbox.ts";
import type { ScheduleOrigin } from "../../core/turn/schedule.ts";
import type { Store } from "../../store/store.ts";
import { routeAs } from "../../session/session_key.ts";
import { composeReminder } from "../../render/tool_message.ts";
import type { Judging } from "../judging/judging.ts";
import type { CurrentPolicy } from "../judging/policy_keeper.ts";
import { createFailureDigest } from "../owners/delivery_notices.ts";
import { createRunner, type CreatorNow, type Runner } from "./runner.ts";
import { nextRun } from "./when.ts";

type GuildOrigin = ScheduleOrigin & { readonly guildId: GuildId };

/** Creates the schedules of an account; none runs before `start`. */
export function createSchedules(
  account: Account<Pick<Store, "schedules" | "inbox" | "pairing">, CurrentPolicy>,
  { judging, hasAgent, rolesNow, placeNow, timezone, reminderRules, tellOwners }: {
    readonly judging: Pick<Judging, "judge" | "route">;
    readonly hasAgent: (agentId: string) => boolean;
    /**
     * The creator's current roles; `undefined` if they have left the guild, or may not see the
     * channel any more. Rejects if Discord does not answer.
     */
    readonly rolesNow: (origin: GuildOrigin) => Promise<readonly Role[] | undefined>;
    readonly placeNow: (origin: GuildOrigin) => GuildPlace;
    /** The time zone of cron patterns. */
    readonly timezone: () => string;
    readonly reminderRules: () => Parameters<typeof composeReminder>[1];
    readonly tellOwners: (text: string) => void;
  },
): Runner {
  const { accountId, store, schedule, now } = account;

  async function creatorNow(origin: ScheduleOrigin): Promise<CreatorNow> {
    const { guildId, sender } = origin;
    if (guildId === undefined) return { kind: "here", origin };
    const inGuild = { ...origin, guildId };
    const roles = await rolesNow(inGuild);
    if (!roles) return { kind: "gone" };
    return {
      kind: "here",
      origin: { ...origin, place: placeNow(inGuild), sender: { ...sender, roles } },
    };
  }

  async function judge(message: InboundMessage) {
    const { place, sender } = message;
    const isPaired = place.kind !== "guild" &&
      await store.pairing.isPaired(accountId, sender.id);
    return judging.judge.judge(message, {
      isUnproxied: true, // PluralKit has no part in a message that Discord does not have
      isPaired: isPaired || undefined,
    }, "not_live");
  }

  const failures = createFailureDigest<{ readonly number: number; readonly run: MessageId }>(
    ({ channelId, count, reason: { number, run } }) =>
      tellOwners(
        `Scheduled tasks failed in <#${channelId}>: ${count}, the last one number ${number}. To ` +
          `see why: \`barnacle why ${run}\`.`,
      ),
    schedule,
  );

  /** The agent that set a schedule runs it; if the config no longer has it, that of the place (N2). */
  function route(message: InboundMessage): Route {
    const agentId = message.scheduled?.agentId;
    const found = judging.route(message);
    return agentId !== undefined && hasAgent(agentId) ? routeAs(found, agentId) : found;
  }

  const runner = createRunner(account, {
    creatorNow,
    judge,
    route,
    compose: (message) =>
      composeReminder({
        message,
        isLate: message.scheduled?.isLate === true,
        agentId: route(message).agentId,
      }, reminderRules()),
    nextRun: (pattern) => nextRun(pattern, { now: now(), timezone: timezone() }),
    tellFailed: ({ id: number, origin: { channelId } }, { messageId: run }) =>
      failures.add(channelId, { number, run }),
    tellPaused({ id: number, origin: { channelId } }, { messageId: run }) {
      tellOwners(
        `I paused schedule ${number} in <#${channelId}>, because its last 3 runs failed. To see ` +
          `why: \`barnacle why ${run}\`. To go on: \`barnacle schedules resume ${number}\`.`,
      );
    },
  });
  return {
    ...runner,
    async stop() {
      await runner.stop();
      failures.flush();
    },
  };
}
