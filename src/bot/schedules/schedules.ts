/**
 * Runs an account's schedules: with the rights that their creators have at that moment (T12).
 *
 * @module
 */

import type { AccountContext } from "../account_context.ts";
import type { Config } from "../../config/config.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ScheduleOrigin } from "../../core/turn/schedule.ts";
import { namedRoles } from "../../discord/gateway/decode/senders.ts";
import { placeIn } from "../../discord/gateway/decode/places.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import { createReadMember } from "../../discord/rest/calls/members.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { createExplainDenial } from "../../discord/rest/permissions/explain_denial.ts";
import { nextRun } from "../../flows/schedules/when.ts";
import { createRunner, type CreatorNow, type Runner } from "../../flows/schedules/runner.ts";
import { hostTimezone } from "../../lib/clock.ts";
import { notice } from "../../render/notices/notices.ts";
import { composeReminder } from "../../render/tool_message.ts";
import type { Judging } from "../judging/judging.ts";
import { createFailureDigest } from "../../flows/owners/delivery_notices.ts";
import type { Outbound } from "../outbound/outbound.ts";
import { chunkRulesOf } from "../rules/turn_rules.ts";

/** `agents.defaults.timezone`, or the host's. */
export function timezoneOf({ agents }: Pick<Config, "agents">): string {
  return agents.defaults.timezone ?? hostTimezone();
}

/** Creates the schedules of an account; none runs before `start`. */
export function createAccountSchedules(
  account: AccountContext,
  { client, reader, judging, outbound, onAccepted }: {
    readonly client: RestClient;
    readonly reader: Pick<Reader, "index">;
    readonly judging: Pick<Judging, "judge" | "route" | "presence">;
    readonly outbound: Pick<Outbound, "channelQueues" | "cleanSecrets" | "tellOwners">;
    readonly onAccepted: () => void;
  },
): Runner {
  const { accountId, config, store, policy, texts, schedule, now } = account;
  const readMember = createReadMember(client);
  const explainDenial = createExplainDenial(client, () => 0); // who is in timeout may still see

  async function creatorNow(origin: ScheduleOrigin): Promise<CreatorNow> {
    const { guildId, channelId, sender } = origin;
    if (guildId === undefined) return { kind: "here", origin };
    const member = await readMember(guildId, sender.id);
    if (!member) return { kind: "gone" };
    const view = { guildId, channelId, userId: sender.id };
    if (await explainDenial(view, ["View Channel"])) return { kind: "gone" };
    const guild = reader.index.get(guildId);
    const place = placeIn(guildId, channelId, guild);
    return {
      kind: "here",
      origin: { ...origin, place, sender: { ...sender, roles: namedRoles(member.roles, guild) } },
    };
  }

  async function judge(message: InboundMessage) {
    const { place, sender } = message;
    const isPaired = place.kind !== "guild" &&
      await store.pairing.isPaired(accountId, sender.id);
    const ownerInGuild = place.kind === "guild" && policy().policy.needsOwnerInGuild
      ? await judging.presence.ask(place.guild.id)
      : undefined;
    return judging.judge.judge(message, {
      isUnproxied: true, // PluralKit has no part in a message that Discord does not have
      isPaired: isPaired || undefined,
      ownerInGuild,
    }, "not_live");
  }

  const failures = createFailureDigest<{ readonly number: number; readonly run: MessageId }>(
    ({ channelId, count, reason }) => {
      const words = { ...reason, channel: `<#${channelId}>`, count };
      void outbound.tellOwners(notice("scheduleFailed", words, texts()));
    },
    schedule,
  );

  const runner = createRunner({
    accountId,
    schedules: store.schedules,
    accept: (batch, at) => store.inbox.acceptBatch(batch, at),
    creatorNow,
    judge,
    route: judging.route,
    compose: (message) =>
      composeReminder({
        message,
        isLate: message.scheduled?.isLate === true,
        agentId: judging.route(message).agentId,
      }, {
        chunks: chunkRulesOf(config()),
        cleanSecrets: outbound.cleanSecrets,
        texts: texts(),
      }),
    nextRun: (pattern) => nextRun(pattern, { now: now(), timezone: timezoneOf(config()) }),
    onAccepted,
    onOutbox: ({ channelId }) => outbound.channelQueues.wake([channelId]),
    onFailed: ({ id: number, origin: { channelId } }, { messageId: run }) =>
      failures.add(channelId, { number, run }),
    onPaused({ id: number, origin: { channelId } }, { messageId: run }) {
      const words = { number, channel: `<#${channelId}>`, count: 3, run };
      void outbound.tellOwners(notice("schedulePaused", words, texts()));
    },
    schedule,
    now,
    log: account.forPart("schedules").log,
  });
  return {
    ...runner,
    async stop() {
      await runner.stop();
      failures.flush();
    },
  };
}

/** Events that end a run. */
export interface RunEvents {
  /** The turn of a scheduled task has ended, or Discord does not take one of its messages. */
  ended(cause: MessageId): void;
}
