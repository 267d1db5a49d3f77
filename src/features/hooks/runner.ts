/**
 * Answers the events of an account's hooks (W5): by a turn of an agent, or by a post of the template.
 *
 * The first event of a key is answered at once. While it is answered, and until the hook's rate permits
 * more, further events wait, and one run answers all of them. So a thousand events in a second make a
 * few messages. A run that a crash cut begins again under its id, so nothing is answered twice.
 */

import type { BotAccount } from "../../account/account.ts";
import {
  cleanSecrets,
  type Loop,
  loop,
  wakeChannels,
  wakeTurns,
} from "../../account/per_account.ts";
import { agentOf } from "../../config/config.ts";
import { createdAtMs } from "../../core/discord/ids.ts";
import {
  type AnswerRules,
  type HookEvent,
  hookSenderId,
  hookText,
  isEntry,
  pathOfHook,
  placeOfHook,
  rulesOfHook,
} from "../../core/hooks/hook.ts";
import { ASKED_OTHERWISE, type InboundMessage } from "../../core/inbound/inbound.ts";
import { PAUSED, type Route } from "../../core/inbound/inbox.ts";
import { usedBy } from "../../core/spending/budget.ts";
import { placeOfEvents } from "../../flows/event_places.ts";
import { judge, routeOf } from "../../flows/judging/judge.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { bounded, clip } from "../../lib/text/quoted.ts";
import { createWaker } from "../../lib/waker.ts";
import { freeze } from "../../render/freeze.ts";
import { noticeBody } from "../../render/reply.ts";
import { routeAs } from "../../session/session.ts";
import type { HookRun, RunStart, WaitingEvents } from "./store.ts";
import { wordsOfEvents } from "./event_words.ts";
import { placeOfIncident, updateIncidents } from "./incidents.ts";

const MINUTE_MS = 60_000;
/** Milliseconds until a run is tried again that could not begin. */
const RETRY_MS = 30_000;
/** Milliseconds after which a run whose end no event told is looked at. */
const LOOK_MS = 60_000;

/** Maximum characters of all events of a turn, and of a post, which is one message. */
const TURN_CHARS = 12_000;
const POST_CHARS = 1_900;
/** Maximum number of different texts of a run. */
const EVENTS_SHOWN = 20;

/** The events as one text for a model, oldest first. */
function eventsForModel(events: readonly HookEvent[], count: number): string {
  const [only] = events;
  if (count === 1 && only) return only.text;
  const room = Math.floor(TURN_CHARS / Math.max(1, events.length));
  const parts = grouped(events, ({ text }) => text).map(({ event, times }) => {
    const at = new Date(event.receivedAt).toISOString();
    return `${at}${times > 1 ? ` (${times} times, the last time now)` : ""}\n${
      clip(event.text, room)
    }`;
  });
  const left = count - events.length;
  return [...left > 0 ? [`${left} earlier events are left out`] : [], ...parts].join("\n\n");
}

/** The events as one message for people. The newest ones stay. */
function eventsForPeople(events: readonly HookEvent[], count: number): string {
  const texts = grouped(events, ({ post }) => post).filter(({ event }) => event.post !== "");
  const lines: string[] = [];
  let chars = 0;
  let shown = 0;
  for (const { event, times } of texts.toReversed()) {
    const line = times > 1 ? `${event.post} (×${times})` : event.post;
    if (lines.length > 0 && chars + line.length > POST_CHARS - 40) break;
    lines.unshift(bounded(line, POST_CHARS - 40));
    chars += line.length + 1;
    shown += times;
  }
  const left = count - shown;
  if (lines.length === 0) return "";
  return left > 0 ? `${lines.join("\n")}\n… and ${left} more` : lines.join("\n");
}

/** Equal texts once, at the place of the last one. */
function grouped(
  events: readonly HookEvent[],
  textOf: (event: HookEvent) => string,
): readonly { readonly event: HookEvent; readonly times: number }[] {
  const found = new Map<string, { event: HookEvent; times: number }>();
  for (const event of events) {
    const text = textOf(event);
    const times = (found.get(text)?.times ?? 0) + 1;
    found.delete(text);
    found.set(text, { event, times });
  }
  return [...found.values()];
}

/** Answers the events of an account. */
export const hookRuns: Loop<{ wake(): void; stop(): Promise<void> }> = loop("hooks", (account) => {
  const waker = createWaker({
    run: () => runAll(account, () => waker.isStopped()),
    failed(error) {
      account.log.error("Cannot answer events of hooks; will try again", { error });
      return RETRY_MS;
    },
    schedule: account.schedule,
  });
  waker.start();
  return waker;
});

/** Why no model may read events now; `undefined` if one may. */
async function modelStop(
  { accountId, now, store }: BotAccount,
  hook: string,
  { tokensPerDay, moneyPerDay, perDay }: AnswerRules,
  agentId: string,
): Promise<string | undefined> {
  if (store.settings.isPaused(accountId)) return PAUSED;
  const spent = (limit: "perDay" | "tokensPerDay" | "moneyPerDay", most: number) =>
    `${pathOfHook(hook)}.${limit} (${most}) is spent`;
  if (perDay !== undefined) {
    const runs = await store.hooks.startsSince(accountId, now() - now() % DAY_MS - 1);
    const today = runs.filter((run) => run.hook === hook && run.state !== "refused");
    if (today.length > perDay) return spent("perDay", perDay);
  }
  if (tokensPerDay === undefined && moneyPerDay === undefined) return undefined;
  const sender = { id: hookSenderId(hook), roles: [] };
  const { user: { day } } = await store.usage.spentBy(
    usedBy({ sender, channelId: "" }, agentId),
    now(),
  );
  if (tokensPerDay !== undefined && day.tokens >= tokensPerDay) {
    return spent("tokensPerDay", tokensPerDay);
  }
  return moneyPerDay !== undefined && day.micros >= moneyPerDay * 1_000_000
    ? spent("moneyPerDay", moneyPerDay)
    : undefined;
}

function routeOfEvents(account: BotAccount, message: InboundMessage, rules: AnswerRules): Route {
  const { agentList: [first] } = account.config();
  const to = placeOfHook(rules);
  const sender = to.kind === "user" ? { ...message.sender, id: to.userId } : message.sender;
  const { agent = first.id } = rules;
  return routeAs(routeOf(account, { ...message, sender }), agentOf(account.config(), agent).id);
}

/** @returns Milliseconds until the next check; `undefined` if nothing waits. */
async function runAll(account: BotAccount, isStopped: () => boolean): Promise<number | undefined> {
  const { accountId, now, store: { hooks } } = account;
  let nextMs: number | undefined;
  const later = (ms: number) => void (nextMs = Math.min(ms, nextMs ?? ms));
  const lookMs = await updateIncidents(account);
  if (lookMs !== undefined) later(lookMs);
  let open = await hooks.open(accountId);
  const cut = open.filter(({ state }) => state === "claimed");
  for (const run of cut) if (!await begun(account, run)) later(RETRY_MS);
  if (cut.length > 0) open = await hooks.open(accountId); // a post has ended its run
  let starts = await hooks.startsSince(accountId, now() - DAY_MS);
  for (const group of await hooks.waiting(accountId)) {
    if (isStopped()) return undefined;
    const { hook, key } = group;
    if (open.some((run) => run.hook === hook && run.key === key)) {
      later(LOOK_MS);
      continue;
    }
    const waitMs = delayOf(account, group, starts);
    if (waitMs > 0) {
      later(waitMs);
      continue;
    }
    const run = await hooks.claim(accountId, hook, key, now());
    if (!run) continue;
    if (!await begun(account, run)) later(RETRY_MS);
    starts = await hooks.startsSince(accountId, now() - DAY_MS);
  }
  return nextMs;
}

/** Milliseconds until the rate permits a run of these events. */
function delayOf(
  { config, now }: BotAccount,
  { hook, key, ...waiting }: WaitingEvents,
  starts: readonly RunStart[],
): number {
  const rules = rulesOfHook(config(), hook);
  if (!rules) return 0; // its run is refused
  const { perMinute, cooldownMs = 0, gatherMs = 0 } = rules;
  const quietAt = Math.min(waiting.newest, now()) + gatherMs;
  const gatheredAt = Math.min(quietAt, waiting.oldest + MINUTE_MS);
  // A clock that was set back leaves starts in the future; they delay nothing.
  const past = starts.filter((start) => start.hook === hook && start.at <= now());
  const ofHook = past.map(({ at }) => at).sort((one, other) => one - other);
  const ofKey = Math.max(...past.filter((start) => start.key === key).map(({ at }) => at));
  const spread = ofKey + MINUTE_MS / perMinute - now();
  const oldest = ofHook.at(-perMinute);
  const turns = past.filter(({ state }) => state !== "refused");
  const cooledAt = Math.max(...turns.map(({ at }) => at)) + cooldownMs;
  const dueAt = Math.max(gatheredAt, cooledAt, (oldest ?? -Infinity) + MINUTE_MS);
  return Math.max(0, spread, dueAt - now());
}

/** @returns Whether it need not be tried again. */
async function begun(account: BotAccount, run: HookRun): Promise<boolean> {
  try {
    return await begin(account, run);
  } catch (error) {
    account.log.warn("Cannot answer an event of a hook; will try again", {
      hook: run.hook,
      messageId: run.messageId,
      error,
    });
    return false;
  }
}

/** @returns Whether it need not be tried again. */
async function begin(account: BotAccount, run: HookRun): Promise<boolean> {
  const { accountId, config, log, now, store: { hooks, inbox } } = account;
  const { messageId, hook } = run;
  const written = rulesOfHook(config(), hook);
  if (!written) {
    return await refuse(account, run, `the config does not have ${hookText(hook)} any more`);
  }
  const rules = { ...written, to: written.to || `channel:${run.key}` }; // where it happened
  const found = await placeOfEvents(account, rules);
  if (found.kind === "refused") return await refuse(account, run, found.reason);
  const shown = await hooks.eventsOf(messageId, EVENTS_SHOWN);
  const words = await wordsOfEvents(account, shown, found.place, rules);
  if ("unneeded" in words) return await refuse(account, run, words.unneeded);
  const { events: all, greets } = words;
  const count = run.count - (shown.length - all.length);
  const newest = all.at(-1);
  const chosen = newest && rules.thread !== undefined && newest.key !== ""
    ? await placeOfIncident(account, run, newest, found)
    : { kind: "place" as const, place: found, isToldBy: undefined };
  if (chosen.kind === "waiting") {
    wakeChannels(account, [found.channelId]); // its delivery wakes this runner
    return false;
  }
  const { channelId, guildId, place } = chosen.place;
  const told = eventsForPeople(all, count) || `An event of ${hookText(hook)}`;
  const post = cleanSecrets(account, told);
  const of = [...all.flatMap(({ sources = [] }) => sources), ...words.of];
  const message: InboundMessage = {
    ...ASKED_OTHERWISE,
    accountId,
    channelId,
    guildId,
    place,
    id: messageId,
    sender: {
      id: hookSenderId(hook),
      username: hook.includes(":") ? hook : `hook:${hook}`,
      roles: [],
      automaton: "webhook",
    },
    text: eventsForModel(all, count) + words.text,
    sentAt: createdAtMs(messageId),
    origin: {
      kind: isEntry(hook) ? "event" : "hook",
      ...{ hook, prompt: rules.prompt, count, post, of, greets },
    },
  };
  const route = routeOfEvents(account, message, rules);
  const stop = run.reason ??
    (rules.model ? await modelStop(account, hook, rules, route.agentId) : undefined);
  if (stop !== undefined && rules.gatherMs !== undefined) return await refuse(account, run, stop);
  if (!rules.model || stop !== undefined) {
    if (stop !== undefined) {
      log.warn("Events of a hook are posted without a model", { hook, messageId, reason: stop });
    }
    const isTold = stop === undefined && chosen.isToldBy === post;
    const notice = freeze({
      ...{ accountId, channelId, guildId, cause: messageId, revision: message.revision },
      ...{ kind: "notice", ...noticeBody(post), suppressesEmbeds: true },
    });
    await hooks.post(messageId, isTold ? [] : notice, stop, now());
    wakeChannels(account, [channelId]);
    return true;
  }
  const judged = [{ ...judge(account, message, {}, "not_live"), message, route }];
  await inbox.acceptBatch({ accountId, judged, echoes: [], guilds: [] }, now());
  await hooks.running(messageId);
  wakeTurns(account);
  return true;
}

async function refuse(
  { log, store: { hooks } }: BotAccount,
  { messageId, hook, count }: HookRun,
  reason: string,
): Promise<true> {
  log.warn("Events of a hook reach no one", { hook, messageId, events: count, reason });
  await hooks.refuse(messageId, reason);
  return true;
}
