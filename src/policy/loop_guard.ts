/**
 * Ends conversations that bots have among themselves (P11).
 *
 * If the last messages of a channel are all by bots, ours among them, Barnacle stops answering bots
 * there. It starts again when a person writes, or after a while in which no bot asks it anything. It
 * counts every message in the channel, answered or not. So two bots cannot keep a conversation going
 * through a third.
 *
 * A message in a thread counts for the thread and for its channel, so a new thread begins no new
 * count. A person who writes in the channel does not end a loop in one of its threads.
 */

import { type ChannelId, compareIds, type MessageId } from "../core/discord/ids.ts";
import type { LoopRun } from "../core/store/store.ts";
import type { LoopGuardRules } from "./rules.ts";

export interface CountedMessage {
  readonly id: MessageId;
  readonly channelId: ChannelId;
  /** The channel of a thread; absent outside threads. */
  readonly parentId?: ChannelId;
}

/** The author of a message. `feed`: a bot that never answers, by the config. */
export type Speaker = "person" | "bot" | "feed" | "own";

/** Beyond this number, the guard forgets the channel whose last message is the oldest. */
const MAX_CHANNELS = 10_000;
/** Milliseconds beyond which a mute does not grow: a bot that writes once a day gets its answer. */
const MUTE_MAX_MS = 12 * 3_600_000;
/** Questions by bots in a run from which the next mute is longer. */
const LOOP_QUESTIONS = 2;
const EMPTY: LoopRun = { length: 0, bots: 0, asked: 0, owed: 0, mutes: 0 };

/**
 * Creates a guard.
 *
 * @param rules Returns the current rules, since the config may change.
 * @param kept The stored runs, with which it goes on.
 * @param keep Stores a run; `undefined` removes it.
 */
export function createLoopGuard(
  rules: () => LoopGuardRules,
  kept: ReadonlyMap<ChannelId, LoopRun>,
  keep: (channelId: ChannelId, run: LoopRun | undefined) => void,
) {
  const stored = new Map(kept);
  const runs = new Map(kept);
  /** Channels whose last message is a feed's, or our answer to it. */
  const afterFeed = new Set<ChannelId>();

  /** The current run of a channel. After a mute, the count begins anew. */
  function runOf(channelId: ChannelId, now: number): LoopRun {
    const run = runs.get(channelId);
    if (!run || run.mutedAt === undefined || now < run.mutedAt + muteMsOf(run, rules())) {
      return run ?? EMPTY;
    }
    return { ...EMPTY, mutes: run.mutes, newest: run.newest, isTold: run.isTold };
  }

  function put(channelId: ChannelId, run: LoopRun | undefined): void {
    runs.delete(channelId);
    if (run) runs.set(channelId, run);
    const before = stored.get(channelId);
    const after = run && storedPart(run);
    if (before === after) return; // neither is stored
    if (before && isOurs(before) && (!after || isOurs(after))) return;
    if (after) stored.set(channelId, after);
    else stored.delete(channelId);
    keep(channelId, after);
  }

  function bound(): void {
    const [oldest] = runs.keys();
    if (runs.size > MAX_CHANNELS && oldest !== undefined) {
      runs.delete(oldest);
      if (stored.delete(oldest)) keep(oldest, undefined);
    }
    const [oldestFeed] = afterFeed;
    if (afterFeed.size > MAX_CHANNELS && oldestFeed) afterFeed.delete(oldestFeed);
  }

  const refuses = (message: CountedMessage, now: number): boolean =>
    placesOf(message).some((channelId) => refusesIn(runOf(channelId, now), message, rules()));

  return {
    /** Whether a bot gets no answer to this message, which is not counted yet. */
    refuses,
    /**
     * Counts a new message.
     *
     * @param isAsked Whether it gets an answer, or would get one without the guard.
     * @returns Whether the guard refuses a bot here for the first time since a person wrote.
     */
    record(message: CountedMessage, by: Speaker, now: number, isAsked = false): boolean {
      const { id, channelId: place } = message;
      if (by === "feed") {
        afterFeed.add(place);
        bound();
        return false;
      }
      if (by === "own" && afterFeed.has(place)) return false;
      afterFeed.delete(place);
      const isRefused = by === "bot" && refuses(message, now);
      let isNews = isRefused && isAsked;
      for (const channelId of placesOf(message)) {
        const run = runOf(channelId, now);
        if (run.newest && compareIds(id, run.newest) <= 0) continue; // counted before
        if (run.isTold) isNews = false;
        if (by === "person") {
          if (isAsked) put(channelId, { ...EMPTY, owed: 1 });
          else if (runs.has(channelId)) put(channelId, undefined);
          continue;
        }
        const next = by === "own"
          ? withOwn(run)
          : withBot(run, isAsked, isRefused, refusesIn(run, message, rules()), now);
        put(channelId, { ...mutedIfLoop(next, rules(), now), newest: id });
      }
      bound();
      return isNews;
    },
  };
}

function placesOf({ channelId, parentId }: CountedMessage): readonly ChannelId[] {
  return parentId === undefined ? [channelId] : [channelId, parentId];
}

/** The length of a mute, which doubles with each one since a person wrote. */
function muteMsOf({ mutes }: LoopRun, { muteMs }: LoopGuardRules): number {
  const grown = muteMs * 2 ** Math.max(0, mutes - 1);
  return Math.max(muteMs, Math.min(grown, MUTE_MAX_MS));
}

/**
 * Whether a bot's next message gets no answer: the answers that are under way count as given, and
 * the message itself counts.
 */
function refusesIn(
  { length, asked, sinceOurs, owed, mutedAt, newest }: LoopRun,
  { id }: CountedMessage,
  { maxTurns, muteMs }: LoopGuardRules,
): boolean {
  if (mutedAt !== undefined) return true;
  if (muteMs === 0) return false;
  const own = newest === id ? 0 : 1; // judged again, it is part of the run
  const takesPart = asked > 0 && owed > 0 || sinceOurs !== undefined && sinceOurs + own < maxTurns;
  return takesPart && length + own + owed >= maxTurns;
}

function withOwn(run: LoopRun): LoopRun {
  return { ...run, length: run.length + 1, sinceOurs: 0, owed: Math.max(0, run.owed - 1) };
}

function withBot(
  run: LoopRun,
  isAsked: boolean,
  isRefused: boolean,
  isRefusedHere: boolean,
  now: number,
): LoopRun {
  const asked = run.asked + (isAsked ? 1 : 0);
  const isTold = run.isTold || isRefused && isAsked || undefined;
  if (run.mutedAt !== undefined) return { ...run, isTold, mutedAt: isAsked ? now : run.mutedAt };
  const { length, bots, sinceOurs, owed } = run;
  const counted = {
    ...run,
    length: length + 1,
    bots: bots + 1,
    asked,
    isTold,
    sinceOurs: sinceOurs !== undefined ? sinceOurs + 1 : undefined,
    owed: isAsked && !isRefused ? owed + 1 : owed,
  };
  return isRefusedHere ? muted(counted, now) : counted;
}

/** Mutes a run whose last `maxTurns` messages are all by bots, with one of ours among them. */
function mutedIfLoop(run: LoopRun, { maxTurns }: LoopGuardRules, now: number): LoopRun {
  const { length, sinceOurs, mutedAt } = run;
  const isLoop = length >= maxTurns && sinceOurs !== undefined && sinceOurs < maxTurns;
  return isLoop && mutedAt === undefined ? muted(run, now) : run;
}

function muted(run: LoopRun, now: number): LoopRun {
  const isExchange = run.asked >= LOOP_QUESTIONS;
  return { ...run, mutedAt: now, mutes: run.mutes + (isExchange ? 1 : 0) };
}

/** Whether a run has only messages of ours, as after each answer to a person. */
function isOurs({ bots, mutes }: LoopRun): boolean {
  return bots === 0 && mutes === 0;
}

/**
 * The part of a run that outlives the process; `undefined` without ours, which ends no
 * conversation. A run of ours alone is stored once, so answers to people cost no writes.
 */
function storedPart(run: LoopRun): LoopRun | undefined {
  if (isOurs(run)) return run.length > 0 ? { ...EMPTY, length: 1, sinceOurs: 0 } : undefined;
  const { sinceOurs, asked, mutes } = run;
  return sinceOurs !== undefined || asked > 0 || mutes > 0 ? run : undefined;
}
