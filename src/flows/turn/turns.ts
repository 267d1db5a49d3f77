/**
 * Claims waiting messages while the limit has a free place and no earlier message may be missing (G6),
 * and runs each turn to its end, a command without a model (K1). Edits, deletions, stops and later
 * messages can end a running turn (H6, S5).
 *
 * The store decides which message is next (T2). Nothing here awaits a turn, so a slow model delays
 * only its own session (S5).
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount, wakeChannels, wakes, wakeTurns } from "../../account/per_account.ts";
import type { ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import {
  type Claim,
  type FinishedTurn,
  type Judged,
  lastOf,
  messagesOf,
  PAUSED,
  toUnanswered,
  type WaitingTurn,
} from "../../core/inbound/inbox.ts";
import { hookedOf, isAtDiscord, termsOf } from "../../core/inbound/inbound.ts";
import { answering, freeze, noticeBody } from "../../render/reply.ts";
import { isBesideKey } from "../../session/session.ts";
import type { Admits } from "../../store/inbox/inbox.ts";
import { textCommandOf } from "../judging/judge.ts";
import { isOwner, ownsApplicationAsRead } from "../owners/owner_ids.ts";
import { showUnanswered } from "../unanswered_reactions.ts";
import { answer } from "./answer.ts";
import type { TurnLimit, TurnPerson } from "../limits.ts";
import { beginTyping } from "../deliver/progress.ts";
import { saveTurn } from "./steps.ts";
import { ownServers, prepareQueueModes } from "./turn_rules.ts";

/** Milliseconds before the next request to a store that failed. */
const RETRY_MS = 5_000;

export type TurnCut =
  /** One of its messages, or one that it has read, has changed or gone. The store has that already. */
  | "touched"
  /** A later message takes its place: it ends as `interrupted`, with its messages as context. */
  | "interrupted";

export interface RunningTurn {
  /** The claim, with the messages that the turn has taken in since. */
  claim: Claim;
  /** Work for after the answer, once its slot and its session are free. */
  afterwards?: (ending: AbortSignal) => Promise<void>;
  /** Ends the turn: aborted if it is cut, if the process stops, or if its time is over. */
  readonly ending: AbortController;
  /** Why others have ended it; absent: they have not. */
  cut?: TurnCut;
  /** The questions of the turns of its session that ran when it began, in their order (S5). */
  readonly ahead: readonly InboundMessage[];
  /**
   * Resolves once those turns have ended, or this one is cut, or the process stops: nothing of its
   * answer may be shown before. Absent: there were none.
   */
  readonly mayShow?: Promise<void>;
  /** Gives its place to another turn, because it only waits for those. */
  readonly freePlace: () => void;
}

interface ListedTurn extends RunningTurn {
  /** Resolves once nothing more of it is stored. */
  readonly over: PromiseWithResolvers<void>;
  /** Ends its wait for the turns ahead. */
  readonly stopWaiting: () => void;
}

interface Turns {
  readonly account: BotAccount;
  readonly running: Set<ListedTurn>;
  /** Number of turns, and of works after turns, that run. */
  open: number;
  allEnded?: PromiseWithResolvers<void>;
  /** Aborted once no further message is claimed: ends works after turns. */
  readonly ending: AbortController;
  readonly member: ReturnType<TurnLimit["join"]>;
  claiming?: Promise<void>;
  mayWait: boolean;
}

/** Joins the limit. Claims nothing before the first {@link claimTurns}. */
const turnsOf = perAccount("turns", (account): Turns => {
  const { bot: { turnLimit }, stopping } = account;
  const running = new Set<ListedTurn>();
  stopping.addEventListener("abort", () => {
    for (const { ending, stopWaiting } of running) {
      ending.abort(stopping.reason);
      stopWaiting();
    }
  }, { once: true });
  const member = turnLimit.join(() => wake(turns));
  const ending = new AbortController();
  const turns: Turns = { account, running, open: 0, ending, member, mayWait: false };
  return turns;
});

/** Messages may be waiting. */
export const claimTurns = (account: BotAccount): void => wake(turnsOf(account));

function wake(turns: Turns): void {
  turns.mayWait = true;
  turns.claiming ??= claimAll(turns).catch((error: unknown) => {
    const { log, schedule } = turns.account;
    log.error("Cannot claim a message; will try again", { error });
    schedule(() => wake(turns), RETRY_MS);
  }).finally(() => {
    turns.claiming = undefined;
    if (turns.mayWait) wake(turns); // requested after the last check
  });
}

async function claimAll(turns: Turns): Promise<void> {
  const { account, ending, member } = turns;
  const { accountId, store: { inbox }, ended, now } = account;
  while (turns.mayWait) {
    turns.mayWait = false;
    if (ending.signal.aborted || ended.aborted || !member.take()) return;
    const delayed = turnDelayOf(account).delayedChannels();
    const modes = prepareQueueModes(account);
    const admits = createAdmits(turns, modes);
    const next = inbox.claimNext(accountId, now(), delayed, modes.carries, admits);
    const claim = await next.catch((error: unknown) => {
      member.giveBack();
      throw error;
    });
    if (!claim) {
      member.giveBack();
      continue; // `wake` may have been called meanwhile
    }
    if (ending.signal.aborted) {
      member.giveBack();
      return await inbox.release(claim);
    }
    turns.mayWait = true;
    const { message, route } = claim;
    const { sender } = message;
    const { isUnasked } = termsOf(message);
    const end = member.begin(personOf(account, { sender, route, isUnasked }));
    if (!inbox.isRunning(claim)) end(); // its messages wait again, or have lost their turn
    else void follow(turns, claim, end);
  }
}

function personOf(account: BotAccount, { sender, route, isUnasked }: WaitingTurn): TurnPerson {
  const isAwaited = !isUnasked && !isBesideKey(route.sessionKey);
  return { id: isAwaited ? sender.id : undefined, isOwner: () => isOwner(account, { sender }) };
}

/** For one claim, which asks about all messages that wait behind running turns. */
function createAdmits(
  { account, running, member }: Turns,
  { runsBeside }: ReturnType<typeof prepareQueueModes>,
): Admits {
  /** The last messages of the turns of a session; `undefined` if no turn may run beside them. */
  const asked = new Map<readonly MessageId[], readonly InboundMessage[] | undefined>();
  /** Sessions where one waits for all running turns: others would keep it waiting for ever. */
  const held = new Set<string>();

  function lastIn(ids: readonly MessageId[]): readonly InboundMessage[] | undefined {
    if (asked.has(ids)) return asked.get(ids);
    const found = [...running].filter(({ claim, cut }) =>
      cut === undefined && ids.includes(claim.message.id)
    );
    // Not beside a turn of another account, nor beside one whose end could not be stored.
    const all = found.length === ids.length ? found.map(({ claim }) => lastOf(claim)) : undefined;
    asked.set(ids, all);
    return all;
  }

  return (waiting, ids) => {
    const isBeside = ids.length > 0;
    if (!member.admits(personOf(account, waiting), isBeside)) return false;
    if (!isBeside) return true;
    const { message: next, sender, route: { agentId, sessionKey } } = waiting;
    const last = lastIn(ids);
    if (!last || held.has(sessionKey) && !isOwner(account, waiting)) return false;
    // A turn that asked a person is read at its claim.
    const isAlone = !next || textCommandOf(account, next) !== undefined;
    if (isAlone && !last.some((other) => other.sender.id === sender.id)) held.add(sessionKey);
    return next !== undefined && runsBeside(last, next, agentId);
  };
}

/** Runs a turn. If its end cannot be stored, it begins anew later. */
async function follow(turns: Turns, claim: Claim, freePlace: () => void): Promise<void> {
  const { account, running, ending } = turns;
  const { stopping, store, schedule, log } = account;
  const turn: ListedTurn = {
    claim,
    ending: new AbortController(),
    freePlace,
    over: Promise.withResolvers(),
    ...behind(turns, claim),
  };
  if (stopping.aborted) turn.ending.abort(stopping.reason);
  running.add(turn);
  turns.open++;
  try {
    await run(account, claim, turn);
    if (turn.afterwards && !ending.signal.aborted) runAfterwards(turns, turn.afterwards);
  } catch (error) {
    if (turn.cut !== undefined || !store.inbox.isRunning(claim)) return;
    log.error("A turn could not be finished; it will be run again", {
      messageId: claim.message.id,
      attempt: claim.attempt,
      error,
    });
    schedule(() => void giveBack(turns, claim), RETRY_MS);
  } finally {
    running.delete(turn);
    turn.over.resolve();
    closed(turns);
    freePlace();
  }
}

const NOTHING_AHEAD = { ahead: [], mayShow: undefined, stopWaiting() {} };

/** What a turn waits for: a turn that a change has ended stores nothing more. */
function behind({ running }: Turns, { route: { sessionKey } }: Claim) {
  const ahead = [...running].filter(({ claim, cut }) =>
    claim.route.sessionKey === sessionKey && cut !== "touched"
  );
  if (ahead.length === 0) return NOTHING_AHEAD;
  const cut = Promise.withResolvers<void>();
  const ends = Promise.all(ahead.map(({ over }) => over.promise));
  return {
    ahead: ahead.flatMap(({ claim }) => messagesOf(claim)),
    mayShow: Promise.race([ends.then(() => {}), cut.promise]),
    stopWaiting: cut.resolve,
  };
}

/** Runs work that no message waits for. */
function runAfterwards(turns: Turns, work: NonNullable<RunningTurn["afterwards"]>): void {
  const { account: { log }, ending } = turns;
  turns.open++;
  void work(ending.signal)
    .catch((error: unknown) => log.warn("Older entries of a session were not folded", { error }))
    .finally(() => closed(turns));
}

function closed(turns: Turns): void {
  turns.open--;
  if (turns.open === 0) turns.allEnded?.resolve();
}

async function giveBack(turns: Turns, claim: Claim): Promise<void> {
  const { store, schedule, log } = turns.account;
  try {
    await store.inbox.release(claim);
    wake(turns);
  } catch (error) {
    log.error("Cannot give back a claimed message; will try again", { error });
    schedule(() => void giveBack(turns, claim), RETRY_MS);
  }
}

/** Messages wait for turns. In the mode `interrupt`, they end the one that runs (S5). */
export function messagesAccepted(account: BotAccount, judged: readonly Judged[]): void {
  const turns = turnsOf(account);
  const running = [...turns.running];
  for (const { message, route } of judged) {
    if (!route) continue;
    const { agentId, sessionKey } = route;
    // A message whose turn cannot begin now ends no other one: that would help no one.
    const isElsewhere = running.some(({ claim }) =>
      claim.message.sender.id === message.sender.id && claim.route.sessionKey !== sessionKey
    );
    if (isElsewhere && !isOwner(account, message)) continue;
    for (const turn of running) {
      const { claim, cut } = turn;
      if (cut !== undefined || claim.route.sessionKey !== sessionKey) continue;
      const isReplaced = prepareQueueModes(account).interrupts(lastOf(claim), message, agentId);
      if (isReplaced) cutTurn(turn, "interrupted");
    }
  }
  wake(turns);
}

/** Ends the turns whose claims a change has ended in the store: their messages wait, or have an end. */
export function messagesTouched(account: BotAccount): void {
  const turns = turnsOf(account);
  const { isRunning } = account.store.inbox;
  for (const turn of turns.running) if (!isRunning(turn.claim)) cutTurn(turn, "touched");
  wake(turns);
}

function cutTurn(turn: ListedTurn, why: TurnCut): void {
  turn.cut ??= why;
  turn.ending.abort(why);
  turn.stopWaiting();
  if (turn.cut === "touched") turn.over.resolve();
}

/** Claims no further message, and resolves once the running turns have ended. */
export async function endTurns(account: BotAccount): Promise<void> {
  const turns = turnsOf(account);
  turns.ending.abort(new Error("the account stops"));
  await turns.claiming;
  turns.allEnded ??= Promise.withResolvers();
  if (turns.open === 0) turns.allEnded.resolve();
  await turns.allEnded.promise;
  turns.member.leave();
}

/** @param why Why the text stands in place of an answer; absent: it is the answer. */
async function answerCommand(
  account: BotAccount,
  claim: Claim,
  text: string,
  why?: string,
): Promise<void> {
  const turn = commandTurn(claim, text, why);
  if (!await saveTurn(account, turn, () => turn)) return;
  wakeChannels(account, [claim.message.channelId]);
  if (turn.isMarked) showUnanswered(account, [toUnanswered(claim.message, "refused")]);
}

/** Messages of the longest answer: its lines may leave room in each. */
const MESSAGES = 3;

/** The record of such a turn. The conversation keeps nothing of it. */
function commandTurn(claim: Claim, text: string, why: string | undefined): FinishedTurn {
  const end = { claim, entries: [] };
  if (text === "") {
    const isMarked = !claim.message.sender.automaton && isAtDiscord(claim.message);
    return { ...end, end: { kind: "declined" }, outbox: [], isMarked };
  }
  return {
    ...end,
    end: why === undefined ? { kind: "answered" } : { kind: "refused", reason: why },
    outbox: freeze({
      ...answering(claim.message),
      agentId: claim.route.agentId,
      kind: "reply",
      quote: isAtDiscord(claim.message) ? { messageId: claim.message.id, on: "first" } : undefined,
      ...noticeBody(text, MESSAGES),
      suppressesEmbeds: true,
    }),
  };
}

/**
 * Ends a turn without a model: of a command, or of any other message while an owner has paused the
 * account (X4).
 *
 * @throws {unknown} The store's error, if it refuses the turn.
 */
async function endWithoutModel(account: BotAccount, claim: Claim): Promise<void> {
  const { sender } = claim.message;
  if (textCommandOf(account, claim.message)) {
    const { runText } = await import("../interactions/run_commands.ts");
    const text = await runText(account.forPart("interactions"), claim.message);
    return await answerCommand(account, claim, text);
  }
  const hooked = hookedOf(claim.message);
  // Another bot gets no answer: it would answer that one, too. An event is posted as it is.
  const text = sender.automaton ? hooked?.post ?? "" : "My owner has paused me. Ask again later.";
  await answerCommand(account, claim, text, hooked && PAUSED);
}

/** Waits for tools that the model sees, and that are not known yet. */
function toolsReady(account: BotAccount, { message, route: { agentId } }: Claim) {
  const { policy, bot: { toolServices } } = account;
  if (termsOf(message).rights === "own accounts") return ownServers(account).ready(message);
  const { place, sender } = message;
  const hook = hookedOf(message)?.hook;
  return toolServices.ready(agentId, (name) => {
    const ownsApplication = () => ownsApplicationAsRead(account, sender.id);
    const isOffer = place.kind !== "dm";
    const asker = { agentId, place, sender, hook, ownsApplication, isOffer };
    return policy().decideTools(asker, [{ name }]).some(({ isAllowed }) => isAllowed);
  });
}

/** Runs a turn to its end, whoever has asked. */
async function run(account: BotAccount, claim: Claim, turn: RunningTurn): Promise<void> {
  const { accountId, store } = account;
  const { message } = claim;
  const { shows, ends } = termsOf(message);
  const stopTyping = shows !== "nothing" ? beginTyping(account, message.channelId) : () => {};
  try {
    const isCommand = textCommandOf(account, message) !== undefined;
    if (isCommand || store.settings.isPaused(accountId)) {
      return await endWithoutModel(account, claim);
    }
    const listing = toolsReady(account, claim);
    if (listing) await listing;
    await answer(account, claim, turn);
    if (ends === "schedules") wakes(account).runEnded(message.id);
  } finally {
    stopTyping();
    if (ends === "hooks") wakes(account).hooks();
  }
}

/** Milliseconds for which all channels wait for the list of channels with missed messages. */
const LISTING_MS = 5_000;
/** Milliseconds for which any channel waits, counted from the first call. */
const MAX_DELAY_MS = 30_000;

/** The delay of turns, while earlier messages are still missing (G6). At first, all may begin. */
export const turnDelayOf: (account: BotAccount) => ReturnType<typeof createTurnDelay> = perAccount(
  "turns",
  createTurnDelay,
);

function createTurnDelay(account: BotAccount) {
  const { schedule } = account;
  const channels = new Set<ChannelId>();
  /** - `open`: nothing to fetch; `over`: fetching takes too long. */
  let state: "open" | "all" | "some" | "over" = "open";
  let cancelListing: (() => void) | undefined;
  let cancelDelay: (() => void) | undefined;

  function setState(next: typeof state): void {
    const before = state;
    state = next;
    if (next !== "all") {
      cancelListing?.();
      cancelListing = undefined;
    }
    if (before !== next && (before === "all" || before === "some")) wakeTurns(account);
  }

  function delayAll(isNewGap: boolean): void {
    if (state === "over" && !isNewGap) return;
    cancelDelay ??= schedule(() => {
      cancelDelay = undefined;
      setState("over");
    }, MAX_DELAY_MS);
    cancelListing?.();
    cancelListing = undefined;
    state = "all";
  }

  return {
    /**
     * Tells that messages were missed, or will be read once a new gateway session has begun.
     *
     * @param isNewGap Whether this is another gap than before, with its own time limit. A guild may
     * stay away for a day, or a box boot long before its router: each is one gap.
     */
    expectGap: delayAll,
    /** Tells that catch-up is listing the channels, and that no further session is expected. */
    startListing(): void {
      if (state === "all") cancelListing ??= schedule(() => setState("some"), LISTING_MS);
    },
    /** Adds a channel whose history catch-up will fetch. */
    addChannel: (channelId: ChannelId): void => void channels.add(channelId),
    /** Tells that the list of such channels is complete. */
    finishListing(): void {
      if (state === "all") setState("some");
    },
    /** Tells that a channel's history is complete. */
    releaseChannel(channelId: ChannelId): void {
      if (channels.delete(channelId) && state === "some") wakeTurns(account);
    },
    /** Tells that catch-up has nothing more to fetch. */
    end(): void {
      channels.clear();
      cancelDelay?.();
      cancelDelay = undefined;
      setState("open");
    },
    /** Channels in which no turn may begin. */
    delayedChannels(): "all" | readonly ChannelId[] {
      if (state === "all") return "all";
      return state === "some" ? [...channels] : [];
    },
  };
}
