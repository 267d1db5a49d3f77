/**
 * Catches one person up (T17a): reads what they may read now, has one request to the model, reads the
 * rights again, and answers them alone. Nothing of it is stored but the verdict, for `why`.
 */

import type { AccountContext } from "../../bot/account_context.ts";
import type { AccountServices } from "../../bot/bot_extra.ts";
import { createdAtMs, type GuildId, parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import { ignored } from "../../core/inbound/verdict.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import { type Model, type ModelRequest, UNKNOWN_WINDOW } from "../../core/model.ts";
import { BudgetSpent, resetOf } from "../../core/spending/budget.ts";
import { meteredModel } from "../../core/spending/metered_model.ts";
import { usedBy } from "../../core/spending/usage.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { questionOf } from "../../interactions/parts/personal_search.ts";
import { plain } from "../../interactions/commands/search.ts";
import { eachOnce } from "../../lib/cache.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { toSince } from "../../lib/text/since.ts";
import { readerTime } from "../../lib/text/units.ts";
import { notice } from "../../render/notices/notices.ts";
import { historyChars } from "../../session/history.ts";
import { type News, type NewsOfServer, readServer, RequestsSpent } from "./read_server.ts";
import { catchUpRequest, chooseNews, linesOf, OTHER_CHARS } from "./tell.ts";

/** Requests to Discord for one catch-up, and those of them for the rights at its end. */
export const MAX_REQUESTS = 40;
const AT_END = 6;
/** Requests that the rights in one server take, and servers of one catch-up. */
const RIGHTS = 3;
const MAX_SERVERS = 3;
/** Catch-ups at a time, and milliseconds until the same person may have the next one. */
const AT_ONCE = 3;
const PAUSE_MS = 30_000;
/** Milliseconds: for the reading, for the model, and of a call after which it is too late to begin. */
const READING_MS = 90_000;
const MODEL_MS = 120_000;
const LATE_MS = 10 * 60_000;
const MAX_SINCE_MS = 365 * DAY_MS;
/** Maximum UTF-16 units of messages for the model, and their share of a small window. */
const NEWS_CHARS = 24_000;
const SHARE = 0.7;
/** Maximum UTF-16 units of an answer, and of its last line. */
const MAX_ANSWER = 1_990;
const MAX_PARTLY = 400;

interface Server {
  readonly guildId: GuildId;
  readonly since: number;
  /** When the person was last there; 0: unknown. */
  readonly seen: number;
}

/** Creates the work of the command. The function is long because it is the steps of one catch-up. */
export function createCatchUp(
  account: AccountContext,
  { client, reader, judging, spend, modelOf, searching, cleanSecrets }: AccountServices,
): (call: CommandCall) => Promise<string> {
  const { accountId, store, now, schedule, stopping, log } = account;
  /** Until when people may have no other one. */
  const busy = new Map<UserId, number>();
  const within = (ms: number) => AbortSignal.any([stopping, AbortSignal.timeout(ms)]);

  /** The servers of a call with their times: those first in which the person was last. */
  async function serversOf(
    { sender }: CommandCall,
    among: readonly GuildId[],
    written: number | undefined,
  ): Promise<readonly Server[]> {
    const servers: Server[] = [];
    for (const guildId of among) {
      const channels = [...reader.index.get(guildId)?.channels.keys() ?? []];
      const seen = await store.knowledge.seenAt(accountId, sender.id, channels);
      const since = written ?? seen;
      if (since > 0) servers.push({ guildId, since: Math.max(since, now() - MAX_SINCE_MS), seen });
    }
    return servers.sort((one, other) => other.seen - one.seen).slice(0, MAX_SERVERS);
  }

  /** Stores the verdict on the call, without any words, so that `why` explains it. */
  async function record(call: CommandCall): Promise<void> {
    const message = { ...questionOf(call), asked: true } as const;
    const { verdict: policyVerdict, ...judged } = judging.judge.judge(message, {}, "not_live");
    const verdict = ignored("caught-up", policyVerdict.rule);
    const one = { ...judged, message, verdict, policyVerdict };
    await store.inbox.acceptBatch({ accountId, judged: [one], echoes: [], guilds: [] }, now());
  }

  async function ask(model: Model, request: ModelRequest): Promise<string> {
    let text = "";
    try {
      for await (const part of model.generate(request, within(MODEL_MS))) {
        if (part.kind === "again") text = "";
        else if (part.kind === "text") text += part.text;
      }
      return text;
    } catch (error) {
      if (error instanceof BudgetSpent) throw error;
      log.warn("The model gave no catch-up", { model: model.id, error });
      return "";
    }
  }

  async function tell(call: CommandCall, servers: readonly Server[]): Promise<string> {
    const texts = account.texts();
    const { id, options: { where } } = call;
    const { agentId } = judging.sessionOf(call);
    const model = modelOf(agentId);
    const by = usedBy(call, agentId);
    const stop = await spend.check(by, "summary");
    if (stop) throw new BudgetSpent(stop);
    await record(call);
    const api = boundedApi(client, MAX_REQUESTS - AT_END - servers.length * RIGHTS);
    const readableIn = await searching.readableBy(api);
    const rights = { messages: [questionOf(call)], reach: "asker" } as const;
    const signal = within(READING_MS);
    const read: NewsOfServer[] = [];
    for (const { guildId, since } of servers) {
      const readable = await readableIn({ ...rights, signal }, guildId);
      const wanted = { guildId, since, where: typeof where === "string" ? where : undefined };
      const ports = { api, knowledge: store.knowledge, show: searching.show, schedule, signal };
      if (readable) read.push(await readServer(wanted, call, { ...ports, readable }));
    }
    const room = historyChars(model.window ?? UNKNOWN_WINDOW, OTHER_CHARS) * SHARE;
    const news = read.flatMap((one) => one.news);
    const { chosen, shown } = chooseNews(news, Math.min(NEWS_CHARS, room), cleanSecrets);
    const metered = meteredModel(model, { kind: "summary", by, spend, now });
    const answer = chosen.length === 0
      ? ""
      : await ask(metered, catchUpRequest(shown, account.randomId()));
    const { lines, dropped } = linesOf(answer, chosen, cleanSecrets);

    // The model took its time, so the rights may be others by now.
    api.allow(MAX_REQUESTS);
    const atEnd = { ...rights, signal: within(READING_MS) };
    const readableAt = eachOnce((guildId: GuildId) => readableIn(atEnd, guildId));
    const isOpen = async ({ guildId, channelId }: Pick<News, "guildId" | "channelId">) =>
      await (await readableAt(guildId))?.open(channelId).catch(unlessSpent) !== undefined;
    const told: string[] = [];
    for (const [text, one] of lines) {
      const name = servers.length > 1
        ? `${plain(reader.index.get(one.guildId)?.name ?? "")}: `
        : "";
      if (await isOpen(one)) told.push(`- ${name}${text} ${one.link}`);
    }
    const partly: string[] = [];
    for (const { guildId, counts } of read) {
      for (const [channelId, count] of counts) {
        const had = chosen.filter((one) => one.channelId === channelId).length;
        const isTold = had < count && await isOpen({ guildId, channelId });
        if (isTold) partly.push(`<#${channelId}> ${had}/${count}`);
      }
    }
    log.info("Caught a person up", {
      ...{ interactionId: id, usedBy: call.sender.id, requests: api.used() },
      ...{ messages: chosen.length, lines: told.length, dropped },
    });
    const since = readerTime(Math.min(...servers.map((one) => one.since)), "R");
    const places = joined(partly, " · ", MAX_PARTLY);
    const end = places && notice("catchUpPartly", { places }, texts);
    const isUnanswered = lines.length === 0 && chosen.length > 0;
    const head = told.length > 0
      ? notice("catchUp", { since, read: chosen.length, id }, texts)
      : isUnanswered
      ? notice("failureBusy", { id }, texts)
      : end === "" && notice("catchUpNothing", { since }, texts);
    const body = joined(told, "\n", MAX_ANSWER - end.length - (head || "").length);
    return [head, body, end].filter(Boolean).join("\n");
  }

  return async (call) => {
    const { sender, guildId: here, options: { since } } = call;
    const id = parseSnowflake<"interaction">(call.id);
    const at = now();
    const say = (key: "searchOff" | "searchFailed" | "catchUpLater" | "catchUpNoTime") =>
      notice(key, {}, account.texts());
    const among = searching.guilds().filter((guildId) => here === undefined || guildId === here);
    if (among.length === 0) return say("searchOff");
    for (const [userId, until] of busy) if (until <= at) busy.delete(userId);
    const running = [...busy.values()].filter((until) => until === Infinity).length;
    const isLate = !id || at - createdAtMs(id) > LATE_MS;
    if (isLate || busy.has(sender.id) || running >= AT_ONCE) return say("catchUpLater");
    busy.set(sender.id, Infinity);
    try {
      const written = typeof since === "string" ? timeOf(since, at) : undefined;
      const servers = Number.isNaN(written) ? [] : await serversOf(call, among, written);
      return servers.length === 0 ? say("catchUpNoTime") : await tell(call, servers);
    } catch (error) {
      if (error instanceof BudgetSpent) {
        const reset = readerTime(resetOf(error.stop, now()), "R");
        return notice("budgetSpent", { reset }, account.texts());
      }
      if (!(error instanceof RestError || error instanceof DOMException)) throw error;
      log.warn("Cannot read what a person missed", { interactionId: call.id, error });
      return say("searchFailed");
    } finally {
      busy.set(sender.id, now() + PAUSE_MS);
    }
  };
}

/** The time that a person wrote; NaN if it is none. */
function timeOf(written: string, now: number): number {
  try {
    return toSince(written, now);
  } catch {
    return NaN;
  }
}

/** A client with so many requests, which leave after those of answers. */
function boundedApi(client: RestApi, first: number) {
  let max = first;
  let used = 0;
  return {
    rolesOf: client.rolesOf,
    async request(...[method, path, options]: Parameters<RestApi["request"]>): Promise<unknown> {
      if (used >= max) throw new RequestsSpent();
      used++;
      return await client.request(method, path, { ...options, priority: "background" });
    },
    used: () => used,
    allow: (most: number) => void (max = most),
  };
}

function unlessSpent(error: unknown): undefined {
  if (!(error instanceof RequestsSpent)) throw error;
}

/** As many parts as fit. */
function joined(parts: readonly string[], between: string, max: number): string {
  let chars = 0;
  return parts.filter((one) => (chars += one.length + between.length) <= max).join(between);
}
