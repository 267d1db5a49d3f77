/**
 * Runs schedules when they are due, by the rights that their creators have then (T12), and tells the
 * owners of those that fail.
 *
 * One timer waits for the next due schedule of the account. A run has an id that a crash does not
 * change, and the store keeps each id once. So a run that a crash cut is neither lost nor repeated.
 * Runs that were missed while the bot was down happen once, and say that they are late.
 */

import type { BotAccount } from "../../account/account.ts";
import {
  cleanSecrets,
  type Loop,
  loop,
  wakeChannels,
  wakes,
  wakeTurns,
} from "../../account/per_account.ts";
import { createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import { ASKED_OTHERWISE, cameBy, type InboundMessage } from "../../core/inbound/inbound.ts";
import {
  finalVerdict,
  ignored,
  type Judged,
  type MessageJudgement,
  type Route,
} from "../../core/inbound/inbox.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { namedRoles, placeIn } from "../../discord/gateway/decode/decode.ts";
import {
  createExplainDenial,
  neededToPost,
  readMember,
} from "../../discord/rest/requests/guild_reads.ts";
import { judge, routeOf } from "../../flows/judging/judge.ts";
import { tellOwners } from "../../flows/owners/tell_owners.ts";
import { readerTime } from "../../lib/text/units.ts";
import { createWaker } from "../../lib/clock.ts";
import { answering, freeze, NOTHING_SHOWN, withMentions } from "../../render/reply.ts";
import { chunk } from "../../render/markdown/chunk.ts";
import { forDiscord } from "../../render/markdown/as_markdown.ts";
import { routeAs } from "../../session/session.ts";
import type { Store } from "../../store/store.ts";
import { isFailure, MAX_FAILURES, runIdOf, type SetBy } from "./store.ts";
import { nextRun } from "./when.ts";
import { chunkRulesOf } from "../../config/config.ts";
import { timezoneOf } from "../../host/process/boot.ts";
import type { AccountPart } from "../../account/features.ts";

/**
 * The creator and the place, with the creator's roles and the names of the place as they are now, and whether they may
 * write there; `undefined` if they have left the guild.
 *
 * @throws {RestError} If Discord does not answer.
 */
async function creatorNow(
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
async function judgeRun(account: BotAccount, message: InboundMessage): Promise<MessageJudgement> {
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
function routeOfRun(account: BotAccount, message: InboundMessage): Route {
  const agentId = cameBy(message, "schedule")?.agentId;
  const found = routeOf(account, message);
  const isThere = account.config().agentList.some(({ id }) => id === agentId);
  return agentId !== undefined && isThere ? routeAs(found, agentId) : found;
}

/** The rule of a verdict that no key of the config decides. */
const RULE = "agents";

export const RESTORED: Pick<Judged, "verdict"> = { verdict: ignored("restored", RULE) };
export const GONE: Pick<Judged, "verdict"> = { verdict: ignored("creator-gone", RULE) };

/** Longest delay of the timer: a clock that is set, or a computer that slept, is noticed by then. */
const MAX_WAIT_MS = 10 * 60_000;
/** Milliseconds until a run is tried again that could not begin. */
const RETRY_MS = 60_000;
/** Milliseconds after its time from which a run counts as late. */
const LATE_MS = 2 * 60_000;
/** Maximum number of due schedules to read at once. */
const AT_ONCE = 50;

/** Newest runs among which earlier failures are looked for. */
const LOOKED_RUNS = 50;

/** Runs an account's schedules, once it is online. */
export const schedules: Loop<{ wake(): void }> = loop("schedules", (account) => {
  const waker = createWaker({
    run: () => runAll(account, waker.isStopped),
    failed(error) {
      account.log.error("Cannot run schedules; will try again", { error });
      return RETRY_MS;
    },
    schedule: account.schedule,
  });
  waker.start();
  return { wake: waker.wake, stop: waker.stop };
});

/** Schedules run from the time at which the account is online. */
export function createSchedulesPart(account: BotAccount): AccountPart {
  wakes(account).runEnded = (cause) => runEnded(account, cause);
  return {
    start: () => schedules.start(account),
    changed: () => wakeSchedules(account),
    stop: () => schedules.stop(account),
  };
}

/** Schedules were added, changed or removed. */
export function wakeSchedules(account: BotAccount): void {
  schedules.of(account)?.wake();
}

/** The turn of a task has ended, or Discord does not take one of its messages. */
export function runEnded(account: BotAccount, cause: MessageId): void {
  const own = account.forPart("schedules");
  checkRun(own, cause).catch((error: unknown) => {
    own.log.warn("Cannot check a schedule's last runs", { messageId: cause, error });
  });
}

/** @returns Milliseconds until the next check; `undefined` if nothing is scheduled. */
async function runAll(account: BotAccount, isStopped: () => boolean): Promise<number | undefined> {
  const { accountId, store, now, log } = account;
  let hasFailed = false;
  for (const due of await store.schedules.due(accountId, now(), AT_ONCE)) {
    if (isStopped()) return undefined;
    try {
      await run(account, due);
    } catch (error) {
      hasFailed = true;
      log.warn("Cannot begin a scheduled run; will try again", { schedule: due.id, error });
    }
  }
  if (hasFailed) return RETRY_MS;
  const nextAt = await store.schedules.nextAt(accountId);
  return nextAt === undefined ? undefined : Math.min(MAX_WAIT_MS, Math.max(0, nextAt - now()));
}

type Due = Awaited<ReturnType<Store["schedules"]["due"]>>[number];

async function run(account: BotAccount, due: Due): Promise<void> {
  const { accountId, store, now, log } = account;
  const { id, nextAt: dueAt, cron, kind, text } = due;
  if (dueAt === undefined) return;
  const messageId = runIdOf(id, dueAt);
  const isLate = now() - dueAt >= LATE_MS;
  const next = cron === undefined
    ? undefined
    : await nextRun(cron, { now: now(), timezone: timezoneOf(account.config()) });
  const found = await creatorNow(account, due.setBy);
  const { agentId, mayWrite, ...setBy } = found ?? { ...due.setBy, mayWrite: false };
  const message: InboundMessage = {
    ...setBy,
    ...ASKED_OTHERWISE,
    id: messageId,
    text,
    sentAt: createdAtMs(messageId),
    origin: { kind: "schedule", scheduleId: id, dueAt, agentId, isLate: isLate || undefined },
  };
  const { isRestored: isMissed } = due;
  const judged = isMissed ? RESTORED : mayWrite ? await judgeRun(account, message) : GONE;
  const isAccepted = judged.verdict.kind === "accept";
  const begun = { scheduleId: id, messageId, dueAt, nextAt: next, isRefused: !isAccepted };
  if (kind === "reminder" && isAccepted) {
    await store.schedules.begin(begun, reminderOf(account, message, isLate), now());
    return wakeChannels(account, [message.channelId]);
  }
  const route = isAccepted ? { route: routeOfRun(account, message) } : {};
  await store.inbox.acceptBatch({
    accountId,
    judged: [{ ...judged, message, ...route }],
    echoes: [],
    guilds: [],
  }, now());
  // Who may not write there gets a reminder, or a word about a task, by direct message.
  const unsaid = found && !mayWrite && !isMissed ? reminderOf(account, message, isLate) : [];
  await store.schedules.begin(begun, unsaid, now());
  if (unsaid.length > 0) wakeChannels(account, [message.channelId]);
  if (isAccepted) return wakeTurns(account);
  const { verdict } = judged;
  if (isMissed) {
    return log.info("A schedule was not run: it was due before the restore", { schedule: id });
  }
  log.warn("A schedule was not run: its creator may not ask the bot there any more", {
    schedule: id,
    messageId,
    ...(verdict.kind === "ignore" && { why: verdict.why, rule: verdict.rule }),
  });
  await check(account, id);
}

/**
 * Composes and freezes a reminder. Its nonces depend on the run alone. A model wrote its text, so
 * secrets and mentions are taken out as in an answer; it pings only its creator (R4).
 */
function reminderOf(
  account: BotAccount,
  message: InboundMessage,
  isLate: boolean,
): readonly Frozen[] {
  const { sender, sentAt } = message;
  const config = account.config();
  const chunks = chunkRulesOf(config);
  const shown = withMentions(message.text, { message, shown: NOTHING_SHOWN });
  const when = isLate ? ` from ${readerTime(sentAt, "f")}, when I was offline` : "";
  const text = cleanSecrets(
    account,
    `<@${sender.id}> Reminder${when}: ${forDiscord(shown, config.messages.tables)}`,
  );
  return freeze({
    ...answering(message),
    agentId: routeOfRun(account, message).agentId,
    kind: "notice",
    chunks: chunk(text, chunks, chunks.maxChunks),
    files: [],
    mayPing: { users: [sender.id], roles: [] },
  });
}

/**
 * Pauses a schedule whose last runs have all failed. Tells the owners of that, or of one failure in
 * its channel: the first one in a day, as it may fail every second time.
 */
async function check(account: BotAccount, id: number, ended?: MessageId): Promise<void> {
  const { store: { schedules: store }, log } = account;
  const [last, ...before] = await store.runsOf(id, LOOKED_RUNS);
  if (!last || !isFailure(last.state)) return;
  const found = await store.find(id);
  if (!found) return;
  const { cron, pausedBy, setBy: { channelId, place } } = found;
  const isPausable = cron !== undefined && pausedBy === undefined;
  const failedBefore = before.slice(0, MAX_FAILURES - 1).filter(({ state }) => isFailure(state));
  if (!isPausable || failedBefore.length < MAX_FAILURES - 1) {
    // In a guild or a group, no person waits for it.
    if (place.kind !== "dm" && last.messageId === ended && last.state === "failed") {
      void tellOwners(
        account,
        `A scheduled task failed in <#${channelId}>: number ${id}. To see why: ` +
          `\`barnacle why ${last.messageId}\`.`,
        { key: `task:${channelId}`, isDaily: true },
      );
    }
    return;
  }
  await store.pause(id, "failures");
  log.warn("A schedule is paused, because its last runs have failed", { schedule: id });
  void tellOwners(
    account,
    `I paused schedule ${id} in <#${channelId}>, because its last ${MAX_FAILURES} runs failed. To ` +
      `see why: \`barnacle why ${last.messageId}\`. To go on: \`barnacle schedules resume ${id}\`.`,
  );
}

async function checkRun(account: BotAccount, cause: MessageId): Promise<void> {
  const id = await account.store.schedules.scheduleOf(cause);
  if (id !== undefined) await check(account, id, cause);
}
