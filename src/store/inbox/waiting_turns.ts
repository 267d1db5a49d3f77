/**
 * Refuses messages whose sender or channel has too many waiting turns (X4).
 *
 * Verdict and notice are stored in the transaction that records the message. So after a crash, the
 * same message is neither answered nor refused a second time. Further people in the same place get a
 * mark on their message. The store has the message until then.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import type { HowTold, Judged } from "../../core/inbound/inbox.ts";
import {
  type FullList,
  fullList,
  LIMIT_RULES,
  shareOf,
  type UnansweredReason,
  type WaitingLimits,
  type WaitingRules,
} from "../../core/inbound/waiting_limits.ts";
import { type InboundMessage, isAtDiscord } from "../../core/inbound/inbound.ts";
import { TOLD_WITHIN_MS } from "../../core/inbound/verdict.ts";
import type { Memory } from "../memory/memory.ts";
import type { ListKey, OpenTurn, TurnList } from "../memory/turn_counts.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { prepareKeepUnanswered } from "./unanswered.ts";

/** An accepted message after the check. */
export interface Checked {
  /** The message, refused or unchanged. */
  readonly judged: Judged;
  /** Stores everything else that the result needs, once the verdict is new on the record. */
  readonly keep?: () => void;
  /** How the sender learns of it; absent: not by this message. */
  readonly told?: HowTold;
}

/** Prepares the statements for waiting turns. */
export function prepareWaitingTurns(
  database: DatabaseSync,
  { turns: { counts: turns }, apply, readTurns, told }: Pick<
    Memory,
    "turns" | "apply" | "readTurns" | "told"
  >,
) {
  const sql = statementsOf(database);
  const addOnce = prepareAddOnce(database);
  const isInInbox = sql`SELECT 1 FROM inbox WHERE message_id = ?`;
  const insertTold = sql`INSERT OR IGNORE INTO told_full (account_id, list, id) VALUES (?, ?, ?)`;
  const deleteTold = sql`DELETE FROM told_full WHERE account_id = ? AND list = ? AND id = ?`;

  const keepUnanswered = prepareKeepUnanswered(database);

  const expect = (turn: OpenTurn): void => apply({ kind: "expected", turn });

  function clearNoticeMark(list: ListKey): void {
    deleteTold.run(list.accountId, list.list, list.id);
    apply({ kind: "told", list, isTold: false });
  }

  /** Stores that the senders of a list know that it is full, and forgets lists without turns. */
  function tell(list: ListKey): void {
    for (const empty of turns.toldWithoutTurns()) clearNoticeMark(empty);
    insertTold.run(list.accountId, list.list, list.id);
    apply({ kind: "told", list, isTold: true });
  }

  function refuse(judged: Judged, list: TurnList, rules: WaitingRules, now: number): Checked {
    const refused = refusedBy(judged, list.list, rules);
    const checked = unanswered(refused, "queue-full", list.isTold, rules, now);
    if (checked.told !== "notice") return checked;
    return {
      ...checked,
      keep() {
        tell(list);
        checked.keep?.();
      },
    };
  }

  /** Tells the sender of a message that it gets no answer, once a minute in a place. */
  function unanswered(
    judged: Judged,
    why: UnansweredReason,
    isPlaceTold: boolean,
    rules: WaitingRules,
    now: number,
  ): Checked {
    const { message } = judged;
    const person = turnOf(message);
    // A bot gets no notice: it might answer that. No one waits for a passive agent, and a program
    // learns of it by its response.
    if (message.sender.automaton || message.triggered) return { judged };
    if (told.has(person, now)) return { judged };
    const mayMark = isAtDiscord(message);
    const how = mayMark && (isPlaceTold || told.hasNotice(person, now)) ? "mark" : "notice";
    return {
      judged,
      told: how,
      keep() {
        told.note(person, how, now);
        if (how === "notice") {
          for (const frozen of rules.refusal(message, why)) addOnce(frozen, now);
        } else keepUnanswered(message, why, now);
      },
    };
  }

  return {
    /**
     * Checks a message that has no final verdict yet, within a transaction of the caller's. Tells the
     * sender of one that catch-up leaves without an answer.
     *
     * @param rules Without them, every turn may wait. It counts for later ones.
     */
    check(judged: Judged, rules: WaitingRules | undefined, now: number): Checked {
      const { message, verdict } = judged;
      const why = missedWhy(judged, now);
      if (why && rules) return unanswered(judged, why, false, rules, now);
      if (verdict.kind !== "accept") return { judged };
      if (!rules) return { judged, keep: () => expect(turnOf(message)) };
      if (judged.stop) return { judged }; // a full list must not keep it from stopping turns
      if (turns.isStale) readTurns();
      // Another account answers it, and counts it.
      if (isInInbox.get(message.id)) return { judged };
      const turn = turnOf(message);
      const full = fullOf(turns.listsOf(turn), rules, message);
      if (full) return refuse(judged, full, rules, now);
      return {
        judged,
        keep() {
          expect(turn);
          for (const list of turns.listsOf(turn)) if (list.isTold) clearNoticeMark(list);
        },
      };
    },
  };
}

/** Checks accepted messages; others stay unchanged. */
export type WaitingTurns = ReturnType<typeof prepareWaitingTurns>;

/** The list in which no more turn may wait; `undefined` if neither is full. */
function fullOf(
  [user, channel]: readonly [user: TurnList, channel: TurnList],
  rules: WaitingRules,
  message: InboundMessage,
): TurnList | undefined {
  const limits = message.triggered ? halfOf(rules) : rules;
  const inChannel = channel.turnsFor(message.sender.id, shareOf(limits));
  const full = fullList({ ofUser: user.turns, inChannel }, limits);
  if (full === "user") return user;
  return full && !rules.isOwner(message) ? channel : undefined;
}

/** The rest of each list is for questions: passive agents and programs must not keep people waiting. */
function halfOf(rules: WaitingLimits): WaitingLimits {
  const { perUser, perChannel, ...limits } = rules;
  return {
    ...limits,
    share: shareOf(rules), // of people's questions, as many count as for questions
    perUser: Math.floor(perUser / 2),
    perChannel: Math.floor(perChannel / 2),
  };
}

/** Why catch-up leaves a message without an answer that the policy accepts; else `undefined`. */
function missedWhy(
  { message, verdict: { why }, policyVerdict }: Judged,
  now: number,
): UnansweredReason | undefined {
  if (policyVerdict?.kind !== "accept" || now - message.sentAt > TOLD_WITHIN_MS) return undefined;
  return why === "too-old" || why === "too-many" ? why : undefined;
}

/** The message without its turn. */
function refusedBy(
  { route: _, ...judged }: Judged,
  full: FullList,
  { channelRule }: WaitingLimits,
): Judged {
  const { message, verdict, policyVerdict = verdict } = judged;
  return {
    ...judged,
    policyVerdict,
    verdict: {
      kind: "ignore",
      why: "queue-full",
      rule: full === "channel" && channelRule || LIMIT_RULES[full],
      keepAsContext: message.place.kind === "guild", // only guilds have such context
    },
  };
}

function turnOf({ id, accountId, sender, channelId }: InboundMessage): OpenTurn {
  return { messageId: id, accountId, userId: sender.id, channelId };
}
