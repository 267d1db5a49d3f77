/** Connects the events of an account's hooks with Discord, the policy and the budgets (W3, W5). */

import { DAY_MS } from "../../lib/clock.ts";
import type { BotAccount } from "../../account/account.ts";
import { cleanSecrets } from "../../account/secrets.ts";
import { placeOfTarget } from "../../discord/gateway/decode/places.ts";
import { createThreadRequests } from "../../discord/rest/requests/channel.ts";
import { readChannel } from "../../discord/rest/requests/guild_reads.ts";
import { createMessages } from "../../discord/rest/requests/messages.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { agentOf } from "../../config/config.ts";
import { snowflakeAt } from "../../core/discord/ids.ts";
import {
  type AnswerRules,
  hookSenderId,
  pathOfHook,
  placeOfHook,
  rulesOfHook,
} from "../../core/hooks/hook.ts";
import { PAUSED } from "../../core/inbound/inbox.ts";
import { readerTime } from "../../lib/text/units.ts";
import { usedBy } from "../../core/spending/usage.ts";
import { wordsOfEvents } from "../events/exports.ts";
import { createIncidents, type ShownIncident } from "./incidents.ts";
import { createHookRunner, type HookRunner } from "./runner.ts";
import { judge, routeOf } from "../../flows/judging/judge.ts";
import { freeze } from "../../render/freeze.ts";
import { noticeBody } from "../../render/reply.ts";
import { routeAs } from "../../session/session_key.ts";
import { isRefused, placeOfEvents } from "../../flows/event_places.ts";

/** Creates the runner of an account; no event is answered before `start`. */
export function createAccountHooks(account: BotAccount): HookRunner {
  const { accountId, config, store, now, reader, rest } = account;
  const clean = (text: string) => cleanSecrets(account, text);
  const placeOf = (rules: AnswerRules) => placeOfEvents(account, rules);
  const part = account.forPart("hooks");
  const threads = createThreadRequests(rest);
  const incidents = createIncidents(part, {
    threads: {
      ...threads,
      start: (channelId, messageId, name, minutes) =>
        threads.start(channelId, messageId, clean(name), minutes),
    },
    edit: createMessages(rest).edit,
    async stateOf(threadId) {
      try {
        const { thread } = await readChannel(rest, threadId);
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
      const text = clean(incidentText(incident, hook));
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
    wordsOf(events, { place }, rules) {
      const to = placeOfHook(rules);
      return wordsOfEvents(
        rest,
        events,
        {
          mayAct: (guildId, target) =>
            account.policy().mayAct(placeOfTarget(guildId, target, reader.index.get(guildId))),
          isTaken: store.hooks.isTaken,
        },
        { place, now, ...(to.kind === "user" && { reader: to.userId }) },
      );
    },
    judge: (message) => judge(account, message, {}, "not_live"),
    routeOf(message, rules) {
      const { agent } = rules;
      const to = placeOfHook(rules);
      const sender = to.kind === "user" ? { ...message.sender, id: to.userId } : message.sender;
      const found = routeOf(account, { ...message, sender });
      const { agentList: [first] } = config();
      return routeAs(found, agent === undefined ? first.id : agentOf(config(), agent).id);
    },
    async modelStop(hook, { tokensPerDay, moneyPerDay, perDay }, { agentId }) {
      if (store.settings.isPaused(accountId)) return PAUSED;
      const runs = perDay === undefined
        ? []
        : await store.hooks.startsSince(accountId, now() - now() % DAY_MS - 1);
      const today = runs.filter((run) => run.hook === hook && run.state !== "refused");
      if (perDay !== undefined && today.length > perDay) {
        return `${pathOfHook(hook)}.perDay (${perDay}) is spent`;
      }
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
    cleanSecrets: clean,
    compose({ id: cause, revision, channelId, guildId }, text) {
      const body = noticeBody(text);
      const base = { accountId, channelId, guildId, cause, revision, kind: "notice" as const };
      return freeze({ ...base, ...body, suppressesEmbeds: true });
    },
  });
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
