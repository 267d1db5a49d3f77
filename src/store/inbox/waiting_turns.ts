/**
 * Refuses messages whose sender or channel has too many waiting turns (X4).
 *
 * Verdict and notice are stored in the transaction that records the message. So after a crash, the
 * same message is neither answered nor refused a second time.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import { toAccountId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import {
  type FullList,
  fullList,
  type Judged,
  LIMIT_RULES,
  type WaitingRules,
} from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Memory } from "../memory/memory.ts";
import type { ListKey, OpenTurn, TurnList } from "../memory/open_turns.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { IS_PARKED } from "../schema/questions.ts";

/** An accepted message after the check. */
export interface Checked {
  /** The message, refused or unchanged. */
  readonly judged: Judged;
  /** Stores everything else that the result needs, once the verdict is new on the record. */
  readonly keep?: () => void;
  /** Whether a notice goes to the outbox with it. */
  readonly isTold?: true;
}

/** Checks accepted messages; others stay unchanged. */
export interface WaitingTurns {
  /** Reads all open turns from the tables, unless memory has them. The tables must be up to date. */
  refresh(): void;
  /** Whether the open turns must be read first. */
  readonly isStale: boolean;
  /**
   * Counts the turns of messages that are all accepted, without a transaction.
   *
   * @param rules Without them, every turn may wait.
   * @returns `false` if they may not wait, or if a stored notice must change. Then it counts nothing.
   */
  reserve(judged: readonly Judged[], rules: WaitingRules | undefined): boolean;
  /** Takes {@link WaitingTurns.reserve} back. */
  cancel(judged: readonly Judged[]): void;
  /**
   * Checks a message that has no final verdict yet, within a transaction of the caller's.
   *
   * @param rules Without them, every turn may wait. It counts for later ones.
   */
  check(judged: Judged, rules: WaitingRules | undefined, now: number): Checked;
}

const turnSchema = z.object({
  message_id: snowflakeSchema<"message">(),
  account_id: z.string().transform(toAccountId),
  channel_id: snowflakeSchema<"channel">(),
  user_id: snowflakeSchema<"user">(),
}).transform((row): OpenTurn => ({
  messageId: row.message_id,
  accountId: row.account_id,
  channelId: row.channel_id,
  userId: row.user_id,
}));

const toldSchema = z.object({
  account_id: z.string().transform(toAccountId),
  list: z.enum(["user", "channel"]),
  id: column.text,
}).transform(({ account_id, ...row }): ListKey => ({ accountId: account_id, ...row }));

/**
 * Prepares the statements for waiting turns. The function is longer than most, because its inner
 * functions share one state: the numbers of waiting turns.
 */
export function prepareWaitingTurns(
  database: DatabaseSync,
  { turns, outgoing }: Pick<Memory, "turns" | "outgoing">,
): WaitingTurns {
  const addOnce = prepareAddOnce(database, outgoing);
  // Both states are named, because the index of open messages begins with the state.
  const selectOpen = database.prepare(
    `SELECT message_id, account_id, channel_id, message ->> '$.sender.id' AS user_id FROM inbox
     WHERE finished_at IS NULL AND state IN ('waiting', 'running') AND NOT ${IS_PARKED}`,
  );
  const selectTold = database.prepare("SELECT account_id, list, id FROM told_full");
  const isInInbox = database.prepare("SELECT 1 FROM inbox WHERE message_id = ?");
  const insertTold = database.prepare(
    "INSERT OR IGNORE INTO told_full (account_id, list, id) VALUES (?, ?, ?)",
  );
  const deleteTold = database.prepare(
    "DELETE FROM told_full WHERE account_id = ? AND list = ? AND id = ?",
  );

  function refresh(): void {
    if (!turns.isStale) return;
    turns.fill(
      selectOpen.all().map((row) => turnSchema.parse(row)),
      selectTold.all().map((row) => toldSchema.parse(row)),
    );
  }

  function clearNoticeMark(key: ListKey): void {
    deleteTold.run(key.accountId, key.list, key.id);
    turns.tell(key, false);
  }

  /** Stores that the senders of a list know that it is full, and forgets lists without turns. */
  function tell(key: ListKey): void {
    for (const empty of turns.toldWithoutTurns()) clearNoticeMark(empty);
    insertTold.run(key.accountId, key.list, key.id);
    turns.tell(key, true);
  }

  function refuse(judged: Judged, list: TurnList, rules: WaitingRules, now: number): Checked {
    const { message } = judged;
    const refused = refusedBy(judged, list.list);
    // A bot gets no notice: it might answer that.
    if (message.sender.automaton || list.isTold) return { judged: refused };
    return {
      judged: refused,
      isTold: true,
      keep() {
        tell(list);
        for (const frozen of rules.refusal(message)) addOnce(frozen, now);
      },
    };
  }

  return {
    refresh,
    get isStale() {
      return turns.isStale;
    },
    reserve(judged, rules) {
      if (!rules) {
        for (const { message } of judged) turns.add(turnOf(message));
        return true;
      }
      if (turns.isStale) return false;
      for (const [index, { message }] of judged.entries()) {
        const turn = turnOf(message);
        const lists = turns.listsOf(turn);
        if (fullOf(lists, rules, message) || lists.some(({ isTold }) => isTold)) {
          for (const { message: { id } } of judged.slice(0, index)) turns.end(id);
          return false;
        }
        turns.add(turn);
      }
      return true;
    },
    cancel(judged) {
      for (const { message: { id } } of judged) turns.end(id);
    },
    check(judged, rules, now) {
      const { message, verdict } = judged;
      if (verdict.kind !== "accept") return { judged };
      if (!rules) return { judged, keep: () => turns.add(turnOf(message)) };
      if (judged.stop) return { judged }; // a full list must not keep it from stopping turns
      refresh();
      // Another account answers it, and counts it.
      if (isInInbox.get(message.id)) return { judged };
      const turn = turnOf(message);
      const full = fullOf(turns.listsOf(turn), rules, message);
      if (full) return refuse(judged, full, rules, now);
      return {
        judged,
        keep() {
          turns.add(turn);
          for (const list of turns.listsOf(turn)) if (list.isTold) clearNoticeMark(list);
        },
      };
    },
  };
}

/** The list in which no more turn may wait; `undefined` if neither is full. */
function fullOf(
  [user, channel]: readonly [user: TurnList, channel: TurnList],
  rules: WaitingRules,
  message: InboundMessage,
): TurnList | undefined {
  const full = fullList({ ofUser: user.turns, inChannel: channel.turns }, rules);
  if (full === "user") return user;
  return full && !rules.isOwner(message) ? channel : undefined;
}

/** The message without its turn. */
function refusedBy({ route: _, ...judged }: Judged, full: FullList): Judged {
  const { message, verdict, policyVerdict = verdict } = judged;
  return {
    ...judged,
    policyVerdict,
    verdict: {
      kind: "ignore",
      why: "queue-full",
      rule: LIMIT_RULES[full],
      keepAsContext: message.place.kind === "guild", // only guilds have such context
    },
  };
}

function turnOf({ id, accountId, sender, channelId }: InboundMessage): OpenTurn {
  return { messageId: id, accountId, userId: sender.id, channelId };
}
