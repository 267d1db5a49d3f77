/**
 * Answers the events of an account's hooks (W5): by a turn of an agent, or by a post of the template.
 *
 * The first event of a key is answered at once. While it is answered, and until the hook's rate permits
 * more, further events wait, and one run answers all of them. So a thousand events in a second make a
 * few messages. A run that a crash cut begins again under its id, so nothing is answered twice.
 *
 * An incident has a thread (W6): its first post, its state, and its end. The store is compared with
 * Discord after each run, delivery and start. So each step may be repeated, and a crash loses none.
 *
 * The gateway does not tell the messages that events of a server are about (W7): they are read here.
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
import {
  type ChannelId,
  createdAtMs,
  type GuildId,
  type MessageId,
  parseSnowflake,
  snowflakeAt,
} from "../../core/discord/ids.ts";
import {
  type AnswerRules,
  type Hooked,
  type HookEvent,
  hookSenderId,
  hookText,
  isEntry,
  pathOfHook,
  placeOfHook,
  rulesOfHook,
  valuesAt,
} from "../../core/hooks/hook.ts";
import { ASKED_OTHERWISE, type InboundMessage, type Place } from "../../core/inbound/inbound.ts";
import { PAUSED, type Route } from "../../core/inbound/inbox.ts";
import { type Frozen, threadIdOf } from "../../core/outbound/outbound.ts";
import type { Target } from "../../core/outbound/target.ts";
import { placeOfTarget } from "../../discord/gateway/decode/decode.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { isRefusal } from "../../discord/rest/exchange/exchange.ts";
import {
  archiveThread,
  beginThread,
  createGuildReads,
  readChannel,
  readMember,
} from "../../discord/rest/requests/guild_reads.ts";
import { editMessage } from "../../discord/rest/requests/messages.ts";
import { createReaders } from "../../flows/actions/readers.ts";
import { placeOfEvents } from "../../flows/event_places.ts";
import { judge, routeOf } from "../../flows/judging/judge.ts";
import { createWaker, DAY_MS } from "../../lib/clock.ts";
import { bounded, clip, withoutSpoilers } from "../../lib/text/quoted.ts";
import { readerTime } from "../../lib/text/units.ts";
import { answering, freeze, noticeBody } from "../../render/reply.ts";
import { routeAs } from "../../session/session.ts";
import type { HookIncident, HookRun, RunStart, WaitingEvents } from "./store.ts";

type IncidentPlace =
  | {
    readonly kind: "place";
    readonly place: ChosenPlace;
    /** Set if its first post says all that a post of the run would say. */
    readonly isToldBy?: string;
  }
  /** The first post is not at Discord yet. */
  | { readonly kind: "waiting" };

type ChosenPlace = Pick<InboundMessage, "channelId" | "guildId" | "place">;

/** The facts that a first post shows. */
type ShownIncident =
  & Pick<HookIncident, "hook" | "title" | "events" | "startedAt" | "endedAt">
  & { readonly runId?: HookRun["messageId"] };

/** Minutes without a message after which Discord archives the thread of an incident without end. */
const ARCHIVE_AFTER_MIN = 10_080;
const NAME_CHARS = 100;
/** Milliseconds between two looks at an incident that is not finished. */
const INCIDENT_LOOK_MS = 5_000;

/** Whether messages may be written in a thread. An archived one takes them, too. */
async function stateOf({ rest }: BotAccount, threadId: ChannelId) {
  try {
    const { thread } = await readChannel(rest, threadId);
    return thread?.isLocked ? "locked" : "open";
  } catch (error) {
    // A thread in a channel that the bot may not see: the delivery tells why.
    if (isRefusal(error)) {
      return error.kind === "not_found" ? "gone" : "open";
    }
    throw error;
  }
}

/** The first post, with a nonce of its own. */
function composeFirst(
  account: BotAccount,
  { runId, hook, title, events, startedAt, endedAt }: ShownIncident,
  { channelId, guildId }: Omit<ChosenPlace, "place">,
): Frozen {
  const since = `since ${readerTime(startedAt, "f")}`;
  const end = endedAt === undefined ? "" : `, ended ${readerTime(endedAt, "f")}`;
  const count = events === 1 ? "1 event" : `${events} events`;
  const text = `${title}\n-# ${hook} · ${count} · ${since}${end}`;
  const cause = runId ?? snowflakeAt<"message">(startedAt, 0);
  const base = { accountId: account.accountId, channelId, guildId, cause, revision: 0 };
  const [first] = freeze({
    ...base,
    kind: "notice" as const,
    agentId: "incident", // the run of the same event may post, too
    ...noticeBody(cleanSecrets(account, text)),
    suppressesEmbeds: true,
  });
  if (!first) throw new TypeError("An incident has no text");
  return first;
}

/** @throws {unknown} If Discord does not answer, as a rejection. */
async function threadOf(account: BotAccount, incident: HookIncident, firstId: MessageId) {
  const { log, rest, store: { hooks } } = account;
  const { id, channelId, key, hook, thread } = incident;
  if (thread === "refused") return undefined;
  if (thread === "open") return await openThread(account, incident, firstId);
  try {
    const name = cleanSecrets(account, bounded(key, NAME_CHARS));
    await beginThread(rest, channelId, firstId, name, ARCHIVE_AFTER_MIN);
    await hooks.noteIncident(id, { messageId: firstId, thread: "open" });
    return firstId;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    log.warn("Discord permits no thread for an incident; its answers are in the channel", {
      hook,
      channelId,
      error,
    });
    await hooks.noteIncident(id, { messageId: firstId, thread: "refused" });
    return undefined;
  }
}

/** People may have deleted or locked a thread since its last message. */
async function openThread(
  account: BotAccount,
  { id, hook, channelId }: HookIncident,
  firstId: MessageId,
) {
  const state = await stateOf(account, threadIdOf(firstId));
  if (state === "open") return firstId;
  if (state === "gone") return "gone";
  account.log.warn("The thread of an incident is locked; its answers are in the channel", {
    hook,
    channelId,
  });
  await account.store.hooks.noteIncident(id, { thread: "refused" });
  return undefined;
}

async function finish(account: BotAccount, incident: HookIncident): Promise<void> {
  const { log, now, rest, store: { hooks } } = account;
  const { id, hook, events, endedAt, isStale, thread } = incident;
  const first = await hooks.firstPost(incident);
  if (first === "waiting") return;
  if (first === "lost") return await hooks.abandonIncident(id, true, now());
  if (isStale) {
    const { message } = composeFirst(account, incident, { channelId: incident.channelId });
    const outcome = await editMessage(rest, first, message, []);
    if (outcome.kind === "unanswered" || outcome.kind === "unsent") return;
    if (outcome.kind === "refused") {
      log.warn("Discord does not take the state of an incident", { hook, why: outcome.reason });
    }
    await hooks.noteShown(id, events);
  }
  if (endedAt === undefined || await hooks.hasOpenWork({ ...incident, messageId: first })) return;
  if (thread === "open") {
    try {
      await archiveThread(rest, threadIdOf(first));
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }
  await hooks.noteIncident(id, { isArchived: true });
}

/**
 * Adds a run to its incident, and finds its thread.
 *
 * @param tries How often another incident may begin in place of the one of the key.
 * @throws {unknown} If Discord does not answer, as a rejection.
 */
export async function placeOfIncident(
  account: BotAccount,
  run: HookRun,
  newest: HookEvent,
  place: ChosenPlace,
  tries = 1,
): Promise<IncidentPlace> {
  const { log, now, store: { hooks } } = account;
  const { title, isEnd } = newest;
  const { channelId } = place;
  const incident = await hooks.joinIncident(run, {
    channelId,
    title,
    isEnd,
    compose: (begun) =>
      composeFirst(account, { ...begun, hook: run.hook, runId: run.messageId }, place),
  }, now());
  if (!incident) return { kind: "place", place };
  const { id, hook, key } = incident;
  const another = async (): Promise<IncidentPlace> => {
    await hooks.abandonIncident(id, false, now());
    return tries > 0
      ? await placeOfIncident(account, run, newest, place, tries - 1)
      : { kind: "place", place };
  };
  if (incident.channelId !== channelId) return await another(); // the config names another place
  const first = await hooks.firstPost(incident);
  if (first === "waiting") return { kind: "waiting" };
  if (first === "lost") {
    log.warn(
      "Discord does not have the first post of an incident; the next event begins another",
      { hook, channelId },
    );
    await hooks.abandonIncident(id, true, now());
    return { kind: "place", place };
  }
  const started = await threadOf(account, incident, first);
  if (started === "gone") {
    log.info("The thread of an incident was deleted; another one begins", { hook, channelId });
    return await another();
  }
  const isToldBy = incident.events === run.count ? incident.title : undefined;
  if (started === undefined || place.place.kind !== "guild") {
    return { kind: "place", place, isToldBy };
  }
  const threadId = threadIdOf(started);
  const thread = { id: threadId, name: bounded(key, NAME_CHARS) };
  return {
    kind: "place",
    isToldBy,
    place: { ...place, channelId: threadId, place: { ...place.place, thread } },
  };
}

/** @returns Milliseconds until the next look; `undefined` if all is as it should be. */
export async function updateIncidents(account: BotAccount): Promise<number | undefined> {
  let isLeft = false;
  for (const incident of await account.store.hooks.unfinished(account.accountId)) {
    await finish(account, incident).catch((error: unknown) => {
      account.log.warn("Cannot bring an incident up to date; will try again", {
        hook: incident.hook,
        error,
      });
    });
    isLeft = true; // seen once more: a later event may have come meanwhile
  }
  return isLeft ? INCIDENT_LOOK_MS : undefined;
}

const CHARS_MAX = 6_000;

/**
 * @param place Of the answer.
 * @returns Those of the newest event of a run, whose events have one channel, as text for the model,
 * and the ids of the messages and their authors; or why the events need no answer.
 */
export async function wordsOfEvents(
  account: BotAccount,
  all: readonly HookEvent[],
  place: Place,
  rules: { readonly to: string },
): Promise<EventWords | Unneeded> {
  const { policy, reader, rest, store } = account;
  const { hook = "" } = all[0] ?? {};
  const events = hook.startsWith("on:forum_post:") ? await untakenOf(store, all) : all;
  const newest = events.at(-1);
  if (!newest) return { unneeded: "its post has an answer as a message" };
  const words = { events, text: "", of: [] };
  const source = sourceOf(newest);
  if (!source || !isEntry(hook)) return words;
  const { guildId, channelId, parentId, messageId } = source;
  if (!await mayTell(account, source, place, placeOfHook(rules))) {
    const who = parentId ? "who may not read its channel" : "who are not in its server";
    return { unneeded: `${pathOfHook(hook)}.post has readers ${who}` };
  }
  if (hook.startsWith("on:member_join:")) return await newcomersOf(rest, guildId, events);
  if (!channelId || !parentId) return words;
  // The config may have changed since the event.
  const there = placeOfTarget(guildId, { channelId, parentId }, reader.index.get(guildId));
  if (hook.startsWith("on:event_started") || !policy().mayAct(there)) return words;
  const path = `/channels/${channelId}/messages${messageId ? `/${messageId}` : "?limit=50"}`;
  const found = await rest.request("GET", path).catch(noneIfRefused) ?? [];
  const messages = [found].flat().toReversed().map((body) => (path: string) =>
    valuesAt(path, { body })
  );
  const lines = messages.map((at) =>
    `${at("author.username")}: ${withoutSpoilers(at("content").join())}`
  );
  return {
    events,
    text: bounded(`\n\nmessages, oldest first:\n${lines.join("\n")}`, CHARS_MAX),
    of: messages.flatMap((at) => [...at("id"), ...at("author.id")]),
  };
}

/**
 * Where an event happened: in a channel, or in its thread; without one, in the whole server. The
 * parent is the channel whose readers may read of it; a private thread is its own.
 */
function sourceOf({ senderId = "" }: HookEvent) {
  const [channel = "", messageId, guild = "", parent = ""] = senderId.split("/");
  const channelId = parseSnowflake<"channel">(channel);
  const guildId = parseSnowflake<"guild">(guild);
  const parentId = parseSnowflake<"channel">(parent) ?? channelId;
  return guildId && { guildId, channelId, parentId, messageId };
}

/** Posts whose first message has no turn: both have one id. */
async function untakenOf({ hooks }: BotAccount["store"], all: readonly HookEvent[]) {
  const left = await Promise.all(all.map(async (event) => {
    const first = parseSnowflake<"message">(sourceOf(event)?.channelId ?? "");
    return first && await hooks.isTaken(first) ? [] : [event];
  }));
  return left.flat();
}

/** Whether everyone who reads the answer may read where the event happened. */
async function mayTell(
  { now, rest }: BotAccount,
  { guildId, parentId }: NonNullable<ReturnType<typeof sourceOf>>,
  place: Place,
  to: Target,
): Promise<boolean> {
  const isIn = place.kind === "guild" && place.guild.id === guildId;
  if (isIn && (!parentId || [place.channel.id, place.thread?.id].includes(parentId))) return true;
  const reads = createGuildReads(rest, guildId);
  const only = to.kind === "user" ? { reader: to.userId } : {};
  if (!parentId) {
    return only.reader !== undefined &&
      await reads.member(only.reader).catch(noneIfRefused) !== undefined;
  }
  const source = (await reads.channels().catch(noneIfRefused))?.get(parentId);
  return source !== undefined && await createReaders(reads, { now })({ place, ...only }, source);
}

/** The newcomers who are still there: an answer greets no one who has left. */
async function newcomersOf(
  client: RestApi,
  guildId: GuildId,
  all: readonly HookEvent[],
): Promise<EventWords | Unneeded> {
  const there = await Promise.all(all.map(async (event) => {
    const userId = parseSnowflake<"user">(event.sources?.[0] ?? "");
    const member = userId && await readMember(client, guildId, userId).catch(noneIfRefused);
    return userId && member ? [{ event, userId }] : [];
  }));
  const events = there.flat().map(({ event }) => event);
  if (events.length === 0) return { unneeded: "the newcomer has left" };
  return { events, text: "", of: [], greets: there.flat().map(({ userId }) => userId) };
}

/** The events to answer, their words, and the ids of the messages and authors of these. */
export interface EventWords extends Pick<Hooked, "greets"> {
  readonly events: readonly HookEvent[];
  readonly text: string;
  readonly of: readonly string[];
}

/** Why events get no answer. */
export interface Unneeded {
  readonly unneeded: string;
}

const noneIfRefused = (error: unknown) => isRefusal(error) ? undefined : Promise.reject(error);

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
  { perDay }: AnswerRules,
): Promise<string | undefined> {
  if (store.settings.isPaused(accountId)) return PAUSED;
  if (perDay === undefined) return undefined;
  const runs = await store.hooks.startsSince(accountId, now() - now() % DAY_MS - 1);
  const today = runs.filter((run) => run.hook === hook && run.state !== "refused");
  return today.length > perDay ? `${pathOfHook(hook)}.perDay (${perDay}) is spent` : undefined;
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
      hook,
      prompt: rules.prompt,
      count,
      post,
      of,
      greets,
    },
  };
  const route = routeOfEvents(account, message, rules);
  const stop = run.reason ??
    (rules.model ? await modelStop(account, hook, rules) : undefined);
  if (stop !== undefined && rules.gatherMs !== undefined) return await refuse(account, run, stop);
  if (!rules.model || stop !== undefined) {
    if (stop !== undefined) {
      log.warn("Events of a hook are posted without a model", { hook, messageId, reason: stop });
    }
    const isTold = stop === undefined && chosen.isToldBy === post;
    const notice = freeze({
      ...answering(message),
      kind: "notice",
      ...noticeBody(post),
      suppressesEmbeds: true,
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
