/** Connects the events of an account's hooks with Discord, the policy and the budgets (W3, W5). */

import type { AccountContext } from "../account_context.ts";
import { placeIn, placeOfTarget } from "../../discord/gateway/decode/places.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import {
  createFindChannel,
  createOpenDirect,
  createThreadCalls,
} from "../../discord/rest/calls/channel.ts";
import { readChannel } from "../../discord/rest/calls/guild_reads.ts";
import { createMessages } from "../../discord/rest/calls/messages.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { neededToPost } from "../../discord/rest/permissions/denial.ts";
import { createExplainDenial } from "../../discord/rest/permissions/explain_denial.ts";
import { agentOf } from "../../config/config.ts";
import { type ChannelId, snowflakeAt } from "../../core/discord/ids.ts";
import {
  type AnswerRules,
  hookSenderId,
  pathOfHook,
  placeOfHook,
  rulesOfHook,
} from "../../core/hooks/hook.ts";
import { PAUSED } from "../../core/inbound/inbox.ts";
import { isForum } from "../../core/rights/channel.ts";
import { printable } from "../../lib/text/quoted.ts";
import { readerTime } from "../../lib/text/units.ts";
import { usedBy } from "../../core/spending/usage.ts";
import { createIncidents, type ShownIncident } from "../../flows/hooks/incidents.ts";
import { createHookRunner, type HookPlace, type HookRunner } from "../../flows/hooks/runner.ts";
import type { Judging } from "../../flows/judging/judging.ts";
import { freeze } from "../../render/freeze.ts";
import { noticeBody } from "../../render/reply.ts";
import { routeAs } from "../../session/session_key.ts";
import type { Outbound } from "../outbound/outbound.ts";

/** Milliseconds for which the bot's permissions in a place are known. */
const PLACE_KEPT_MS = 10 * 60_000;

/**
 * Creates the runner of an account; no event is answered before `start`. The function is long because
 * each port stands here once.
 */
export function createAccountHooks(
  account: AccountContext,
  { client, reader, judging, outbound }: {
    readonly client: RestClient;
    readonly reader: Pick<Reader, "index">;
    readonly judging: Pick<Judging, "judge" | "route">;
    readonly outbound: Pick<Outbound, "cleanSecrets">;
  },
): HookRunner {
  const { accountId, config, store, now, self } = account;
  const openDirect = createOpenDirect(client);
  const findChannel = createFindChannel(client, {});
  const explainDenial = createExplainDenial(client, now);
  const places = new Map<ChannelId, { readonly place: HookPlace; readonly at: number }>();

  async function channelPlace(channelId: ChannelId): Promise<HookPlace> {
    const known = places.get(channelId);
    if (known && Math.abs(now() - known.at) < PLACE_KEPT_MS) return known.place;
    const guild = [...reader.index.values()].find(({ channels }) => channels.has(channelId));
    const found = guild ? { guildId: guild.id } : await findChannel(channelId);
    if (found === undefined) return refused(`Discord has no channel ${channelId}`);
    if (found === "hidden" || found.guildId === undefined) {
      return refused(`the bot may not see the channel ${channelId}`);
    }
    const { guildId } = found;
    const channel = guild?.channels.get(channelId);
    if (channel && isForum(channel)) {
      return refused(
        `#${printable(channel.name)} is a forum: name a text channel, or a post of the forum`,
      );
    }
    const userId = self()?.userId;
    const needed = neededToPost({ hasFiles: false, isQuote: false });
    const denial = userId && await explainDenial({ guildId, channelId, userId }, needed);
    if (denial) return refused(denial.text);
    const place = guild
      ? placeIn(guildId, channelId, guild)
      : placeOfTarget(guildId, { channelId });
    const result: HookPlace = { kind: "place", channelId, guildId, place };
    places.set(channelId, { place: result, at: now() });
    return result;
  }

  async function placeOf(rules: AnswerRules): Promise<HookPlace> {
    const to = placeOfHook(rules);
    if (to.kind === "channel") return await channelPlace(to.channelId);
    try {
      const channelId = await openDirect(to.userId);
      return { kind: "place", channelId, guildId: undefined, place: { kind: "dm" } };
    } catch (error) {
      if (error instanceof RestError && isRefused(error)) return refused(error.message);
      throw error;
    }
  }

  const part = account.forPart("hooks");
  const threads = createThreadCalls(client);
  const incidents = createIncidents(part, {
    threads: {
      ...threads,
      start: (channelId, messageId, name, minutes) =>
        threads.start(channelId, messageId, outbound.cleanSecrets(name), minutes),
    },
    edit: createMessages(client).edit,
    async stateOf(threadId) {
      try {
        const { thread } = await readChannel(client, threadId);
        return thread?.isLocked ? "locked" : "open";
      } catch (error) {
        // A thread in a channel that the bot may not see: the delivery tells why.
        if (error instanceof RestError && isRefused(error)) {
          return error.kind === "not_found" ? "gone" : "open";
        }
        throw error;
      }
    },
    isRefused,
    compose: ({ runId, hook, ...incident }, { channelId, guildId }) => {
      const text = outbound.cleanSecrets(incidentText(incident, hook));
      const cause = runId ?? snowflakeAt<"message">(incident.startedAt, 0);
      const base = { accountId, channelId, guildId, cause, revision: 0, kind: "notice" as const };
      const [first] = freeze({
        ...base,
        agentId: "incident", // the run of the same event may post, too
        ...noticeBody(text),
        suppressesEmbeds: true,
      });
      if (!first) throw new TypeError("An incident has no text");
      return first;
    },
  });
  return createHookRunner(part, {
    incidents,
    rulesOf: (hook) => rulesOfHook(config(), hook),
    placeOf,
    judge: (message) => judging.judge.judge(message, {}, "not_live"),
    routeOf(message, rules) {
      const { agent } = rules;
      const to = placeOfHook(rules);
      const sender = to.kind === "user" ? { ...message.sender, id: to.userId } : message.sender;
      const found = judging.route({ ...message, sender });
      const { agentList: [first] } = config();
      return routeAs(found, agent === undefined ? first.id : agentOf(config(), agent).id);
    },
    async modelStop(hook, { tokensPerDay, moneyPerDay }, { agentId }) {
      if (store.settings.isPaused(accountId)) return PAUSED;
      if (tokensPerDay === undefined && moneyPerDay === undefined) return undefined;
      const sender = { id: hookSenderId(hook), roles: [] };
      const by = usedBy({ sender, channelId: "" }, agentId);
      const { user: { day } } = await store.usage.spentBy(by, now());
      if (tokensPerDay !== undefined && day.tokens >= tokensPerDay) {
        return `${pathOfHook(hook)}.tokensPerDay (${tokensPerDay}) is spent`;
      }
      if (moneyPerDay !== undefined && day.micros >= moneyPerDay * 1_000_000) {
        return `${pathOfHook(hook)}.moneyPerDay (${moneyPerDay}) is spent`;
      }
      return undefined;
    },
    cleanSecrets: outbound.cleanSecrets,
    compose({ id: cause, revision, channelId, guildId }, text) {
      const body = noticeBody(text);
      const base = { accountId, channelId, guildId, cause, revision, kind: "notice" as const };
      return freeze({ ...base, ...body, suppressesEmbeds: true });
    },
  });
}

function isRefused(error: unknown): boolean {
  return error instanceof RestError && error.code !== undefined &&
    (error.kind === "forbidden" || error.kind === "not_found" || error.kind === "rejected");
}

/** The first post of an incident. */
function incidentText(
  { title, events, startedAt, endedAt }: Omit<ShownIncident, "hook">,
  hook: string,
): string {
  const since = `since ${readerTime(startedAt, "f")}`;
  const end = endedAt === undefined ? "" : `, ended ${readerTime(endedAt, "f")}`;
  return `${title}\n-# ${hook} · ${events === 1 ? "1 event" : `${events} events`} · ${since}${end}`;
}

function refused(reason: string): HookPlace {
  return { kind: "refused", reason };
}
