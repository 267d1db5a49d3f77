/**
 * Keeps the thread of each incident (W6): its first post, its thread, its state, and its end.
 *
 * It compares the store with Discord after each run, delivery and start. So each step may be repeated,
 * and a crash loses none.
 */

import type { BotAccount } from "../../account/account.ts";
import { cleanSecrets } from "../../account/per_account.ts";
import { type ChannelId, type MessageId, snowflakeAt } from "../../core/discord/ids.ts";
import type { HookEvent } from "../../core/hooks/hook.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { threadIdOf } from "../../core/outbound/outbound.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import {
  archiveThread,
  beginThread,
  readChannel,
} from "../../discord/rest/requests/guild_reads.ts";
import { editMessage } from "../../discord/rest/requests/messages.ts";
import { isRefused } from "../../flows/event_places.ts";
import { bounded } from "../../lib/text/quoted.ts";
import { readerTime } from "../../lib/text/units.ts";
import { freeze } from "../../render/freeze.ts";
import { noticeBody } from "../../render/reply.ts";
import type { HookIncident, HookRun } from "./store.ts";

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
const LOOK_MS = 5_000;

/** Whether messages may be written in a thread. An archived one takes them, too. */
async function stateOf({ rest }: BotAccount, threadId: ChannelId) {
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
    ...{ ...base, kind: "notice" as const },
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
    if (!isRefused(error)) throw error;
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
      if (!isRefused(error)) throw error;
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
  return isLeft ? LOOK_MS : undefined;
}
