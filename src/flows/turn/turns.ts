/**
 * Claims waiting messages while the limit has a free place, and runs their turns. Edits, deletions,
 * stops and later messages can end a running turn (H6, S5).
 *
 * The store decides which message is next (T2). Nothing here awaits a turn, so a slow model delays
 * only its own session (S5).
 */

import type { NextStep } from "../../agent/next_step.ts";
import {
  type Claim,
  type Judged,
  lastOf,
  messagesOf,
  type WaitingTurn,
} from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { termsOf } from "../../core/inbound/origin.ts";
import type { MessageId, UserId } from "../../core/discord/ids.ts";
import type { Admits, Inbox } from "../../store/inbox/inbox.ts";
import { isBesideKey } from "../../session/session_key.ts";
import type { QueueModes } from "./control/queue_mode.ts";
import type { TurnLimit, TurnPerson } from "./control/turn_limit.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";

/** Milliseconds before the next request to a store that failed. */
const RETRY_MS = 5_000;

/** Milliseconds that a turn waits for an MCP server, which may never answer, once the account stops. */
const MCP_MS = 3_000;

/** Joins the limit. Claims nothing before the first `wake`. */
export function createTurns(
  ports: Pick<Inbox, "release" | "isRunning"> & {
    readonly log: Log;
    readonly schedule: StartTimer;
    readonly stopping: AbortSignal;
    /** Claims the next message whose turn may begin (T2); `undefined` if there is none. */
    readonly claimNext: (admits: Admits) => Promise<Claim | undefined>;
    /** Whether the turn of a message may begin while these of its session run, given by their last. */
    readonly runsBeside: QueueModes["runsBeside"];
    /** Whether a later message ends the turn of a message. */
    readonly interrupts: QueueModes["interrupts"];
    /** Whether a message is a command, whose turn runs beside no other. */
    readonly isCommand: (message: InboundMessage) => boolean;
    readonly isOwner: (message: Pick<WaitingTurn, "sender">) => boolean;
    /** Runs the turn to its end and stores it (T3). */
    readonly answer: (claim: Claim, turn: RunningTurn) => Promise<void>;
    /** Bounds turns; shared with the other accounts. */
    readonly turnLimit: TurnLimit;
  },
) {
  const { claimNext, runsBeside, isCommand, release, isRunning, isOwner, answer } = ports;
  const { turnLimit, stopping, schedule, log } = ports;
  /** Number of turns, and of works after turns, that run. */
  let open = 0;
  let allEnded: PromiseWithResolvers<void> | undefined;
  const turns = createRunningTurns(stopping);
  const ending = new AbortController();
  const member = turnLimit.join(wake);
  let isStopping = false;
  let claiming: Promise<void> | undefined;
  let mayWait = false;

  function wake(): void {
    mayWait = true;
    claiming ??= claimAll().catch((error: unknown) => {
      log.error("Cannot claim a message; will try again", { error });
      schedule(wake, RETRY_MS);
    }).finally(() => {
      claiming = undefined;
      if (mayWait) wake(); // requested after the last check
    });
  }

  function personOf({ sender, route, isUnasked }: WaitingTurn): TurnPerson {
    const { sessionKey } = route;
    const isAwaited = !isUnasked && !isBesideKey(sessionKey);
    return { id: isAwaited ? sender.id : undefined, isOwner: () => isOwner({ sender }) };
  }

  /** For one claim, which asks about all messages that wait behind running turns. */
  function createAdmits(): Admits {
    /** The last messages of the turns of a session; `undefined` if no turn may run beside them. */
    const asked = new Map<readonly MessageId[], readonly InboundMessage[] | undefined>();
    /** Sessions where one waits for all running turns: others would keep it waiting for ever. */
    const held = new Set<string>();

    function lastIn(running: readonly MessageId[]): readonly InboundMessage[] | undefined {
      if (asked.has(running)) return asked.get(running);
      const found = turns.begunWith(running);
      // Not beside a turn of another account, nor beside one whose end could not be stored.
      const all = found.length === running.length
        ? found.map(({ claim }) => lastOf(claim))
        : undefined;
      asked.set(running, all);
      return all;
    }

    return (waiting, running) => {
      const isBeside = running.length > 0;
      if (!member.admits(personOf(waiting), isBeside)) return false;
      if (!isBeside) return true;
      const { message: next, sender, route: { agentId, sessionKey } } = waiting;
      const last = lastIn(running);
      if (!last || held.has(sessionKey) && !isOwner(waiting)) return false;
      const isAlone = !next || isCommand(next); // a turn that asked a person is read at its claim
      if (isAlone && !last.some((other) => other.sender.id === sender.id)) held.add(sessionKey);
      return next !== undefined && runsBeside(last, next, agentId);
    };
  }

  async function claimAll(): Promise<void> {
    while (mayWait) {
      mayWait = false;
      if (isStopping || !member.take()) return;
      const claim = await claimNext(createAdmits()).catch((error: unknown) => {
        member.giveBack();
        throw error;
      });
      if (!claim) {
        member.giveBack();
        continue; // `wake` may have been called meanwhile
      }
      if (isStopping) {
        member.giveBack();
        return await release(claim);
      }
      mayWait = true;
      const { message, route } = claim;
      const { sender } = message;
      const end = member.begin(personOf({ sender, route, isUnasked: termsOf(message).isUnasked }));
      if (!isRunning(claim)) end(); // its messages wait again, or have lost their turn
      else void run(claim, end);
    }
  }

  /** Runs a turn. If its end cannot be stored, it begins anew later. */
  async function run(claim: Claim, freePlace: () => void): Promise<void> {
    const turn = turns.begin(claim, freePlace);
    open++;
    try {
      await answer(claim, turn);
      if (turn.afterwards && !isStopping) runAfterwards(turn.afterwards);
    } catch (error) {
      if (turn.cut !== undefined || !isRunning(claim)) return;
      log.error("A turn could not be finished; it will be run again", {
        messageId: claim.message.id,
        attempt: claim.attempt,
        error,
      });
      schedule(() => void giveBack(claim), RETRY_MS);
    } finally {
      turns.end(turn);
      closed();
      freePlace();
    }
  }

  /** Runs work that no message waits for. */
  function runAfterwards(work: NonNullable<RunningTurn["afterwards"]>): void {
    open++;
    void work(ending.signal)
      .catch((error: unknown) => log.warn("Older entries of a session were not folded", { error }))
      .finally(closed);
  }

  function closed(): void {
    open--;
    if (open === 0) allEnded?.resolve();
  }

  async function giveBack(claim: Claim): Promise<void> {
    try {
      await release(claim);
      wake();
    } catch (error) {
      log.error("Cannot give back a claimed message; will try again", { error });
      schedule(() => void giveBack(claim), RETRY_MS);
    }
  }

  return {
    /** Tells that messages may be waiting. */
    wake,
    /** Messages wait for turns. In the mode `interrupt`, they end the one that runs (S5). */
    accepted(judged: readonly Judged[]): void {
      for (const { message, route } of judged) {
        if (!route) continue;
        const { agentId, sessionKey } = route;
        // A message whose turn cannot begin now ends no other one: that would help no one.
        if (!isOwner(message) && turns.isElsewhere(message.sender.id, sessionKey)) continue;
        const isReplaced = ({ claim }: RunningTurn) =>
          ports.interrupts(lastOf(claim), message, agentId);
        turns.interrupt(sessionKey, isReplaced);
      }
      wake();
    },
    /** Ends the turns whose claims a change has ended in the store: their messages wait, or have an end. */
    touched(): void {
      turns.touched(isRunning);
      wake();
    },
    /** Claims no further message, and resolves once the running turns have ended. */
    async stop(): Promise<void> {
      isStopping = true;
      ending.abort(new Error("the account stops"));
      await claiming;
      allEnded ??= Promise.withResolvers();
      if (open === 0) allEnded.resolve();
      let cancel = () => {};
      const endCalls = () => (turns.endMcpCalls(), cancel = schedule(endCalls, MCP_MS));
      cancel = schedule(endCalls, MCP_MS);
      await allEnded.promise;
      cancel();
      member.leave();
    },
  };
}

export type Turns = ReturnType<typeof createTurns>;

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
  /** What it does now. */
  next?: NextStep;
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

const NOTHING_AHEAD: Pick<ListedTurn, "ahead" | "mayShow" | "stopWaiting"> = {
  ahead: [],
  mayShow: undefined,
  stopWaiting: () => {},
};

/**
 * Creates the list of running turns, which is empty.
 *
 * @param stopping Ends all of them.
 */
export function createRunningTurns(stopping: AbortSignal) {
  const turns = new Set<ListedTurn>();
  stopping.addEventListener("abort", () => {
    for (const { ending, stopWaiting } of turns) {
      ending.abort(stopping.reason);
      stopWaiting();
    }
  }, { once: true });

  function inSession(sessionKey: string): readonly ListedTurn[] {
    const found: ListedTurn[] = [];
    for (const turn of turns) if (turn.claim.route.sessionKey === sessionKey) found.push(turn);
    return found;
  }

  /** A turn that a change has ended stores nothing more, so it is not waited for. */
  function behind(ahead: readonly ListedTurn[]): typeof NOTHING_AHEAD {
    if (ahead.length === 0) return NOTHING_AHEAD;
    const cut = Promise.withResolvers<void>();
    const ends = Promise.all(ahead.map(({ over }) => over.promise));
    return {
      ahead: ahead.flatMap(({ claim }) => messagesOf(claim)),
      mayShow: Promise.race([ends.then(() => {}), cut.promise]),
      stopWaiting: cut.resolve,
    };
  }

  function end(turn: ListedTurn, why: TurnCut): void {
    turn.cut ??= why;
    turn.ending.abort(why);
    turn.stopWaiting();
    if (turn.cut === "touched") turn.over.resolve();
  }

  return {
    /** Ends the turns that wait for an MCP server, as a stop of the process does. */
    endMcpCalls(): void {
      for (const { next, ending } of turns) {
        const calls = next?.kind === "run"
          ? next.calls
          : next?.kind === "run_once"
          ? [next.call]
          : [];
        if (calls.some(({ name }) => name.startsWith("mcp__"))) ending.abort();
      }
    },
    /**
     * Notes that a turn begins.
     *
     * @param freePlace As {@link RunningTurn.freePlace}.
     */
    begin(claim: Claim, freePlace: () => void): RunningTurn {
      const ahead = inSession(claim.route.sessionKey).filter(({ cut }) => cut !== "touched");
      const turn: ListedTurn = {
        claim,
        ending: new AbortController(),
        freePlace,
        over: Promise.withResolvers(),
        ...behind(ahead),
      };
      if (stopping.aborted) turn.ending.abort(stopping.reason);
      turns.add(turn);
      return turn;
    },
    end(turn: RunningTurn): void {
      for (const listed of turns) {
        if (listed !== turn) continue;
        turns.delete(listed);
        listed.over.resolve();
      }
    },
    touched(isRunning: (claim: Claim) => boolean): void {
      for (const turn of turns) if (!isRunning(turn.claim)) end(turn, "touched");
    },
    begunWith: (messageIds: readonly MessageId[]): readonly RunningTurn[] =>
      [...turns].filter(({ claim, cut }) =>
        cut === undefined && messageIds.includes(claim.message.id)
      ),
    /** Ends the turns of a session in whose place a later message comes. */
    interrupt(sessionKey: string, isReplaced: (turn: RunningTurn) => boolean): void {
      for (const turn of inSession(sessionKey)) {
        if (turn.cut === undefined && isReplaced(turn)) end(turn, "interrupted");
      }
    },
    /** Whether a turn runs in another session that answers a person first. */
    isElsewhere: (userId: UserId, sessionKey: string): boolean =>
      [...turns].some(({ claim: { message, route } }) =>
        message.sender.id === userId && route.sessionKey !== sessionKey
      ),
  };
}
