/** `store.inbox`: messages from their arrival (T1) until a turn claims them (T2). */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import { createStopTurns } from "./cuts.ts";
import { createCommands } from "./commands.ts";
import { createClaims } from "./claims.ts";
import { createBatches } from "./batches.ts";
import type { AccountId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { KnownFacts } from "../../core/inbound/facts.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { type Accepted, type Judged, NOTHING_ACCEPTED } from "../../core/inbound/inbox.ts";
import type { WaitingRules } from "../../core/inbound/waiting_limits.ts";
import type { Undecided } from "../../core/store/inbox.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import {
  type InboxDeps,
  prepareKeepJudged,
  prepareTakeUndecided,
  toUndecided,
  unansweredIn,
} from "./store_batch.ts";
import { prepareWaitingTurns } from "./waiting_turns.ts";
import { mayRetract } from "../memory/open_turns.ts";
import { prepareUnpairedSenders } from "../pairing/unpaired_senders.ts";
import { integer, json, optional, rows, snowflake, text } from "../schema/columns.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";

export function createInbox(
  transactions: Transactions,
  deps: InboxDeps,
) {
  const commands = createCommands(transactions);
  return {
    ...createAnsweredPeople(transactions),
    ...createBatches(transactions, { ...deps, commands }),
    ...createClaims(transactions, deps.memory, deps.inbox),
    ...commands,
    ...createProxiedUsers(transactions),
    ...createStopTurns(transactions, deps.memory),
    ...createUndecided(transactions, deps),
  };
}

export type Inbox = ReturnType<typeof createInbox>;

const ASKER = rows({ asker: snowflake<"user">() });

/** Finds the person for whom the bot posted a message: the person whom it answers, or who asked for it. */
function createAnsweredPeople({ sql, read }: Transactions) {
  const select = sql`SELECT i.message ->> '$.sender.id' AS asker
     FROM outbox AS o CROSS JOIN inbox AS i
     WHERE o.message_id = :messageId AND o.account_id = :accountId AND i.message_id = o.cause_id
     UNION ALL
     SELECT asker_id AS asker FROM discord_post
     WHERE message_id = :messageId AND account_id = :accountId
     LIMIT 1`;
  return {
    /**
     * The sender of the message whose turn has posted this one, by the outbox or by the tool
     * `discord`; `undefined` if no turn has, or if the store has forgotten it.
     */
    askerOf: (accountId: AccountId, messageId: MessageId): Promise<UserId | undefined> =>
      read(() => ASKER.readIfWhole(select.get({ messageId, accountId }))?.asker),
  };
}

/** Number of users to keep of an account. */
export const PROXIED_USERS_MAX = 10_000;

const PROXIED = rows({ userId: snowflake<"user">() });

/**
 * Stores the users for whom PluralKit has posted. PluralKit may repeat their messages, so each
 * message waits a moment before it is answered (P13).
 */
function createProxiedUsers({ sql, commit, read }: Transactions) {
  const touch = sql`UPDATE proxied_user SET at = MAX(at, :now)
     WHERE account_id = :accountId AND user_id = :userId`;
  const insert = sql`
    INSERT INTO proxied_user (account_id, user_id, at) VALUES (:accountId, :userId, :now)`;
  const prune = sql`DELETE FROM proxied_user WHERE account_id = :accountId AND user_id IN (
       SELECT user_id FROM proxied_user WHERE account_id = :accountId
       ORDER BY at DESC, user_id DESC LIMIT -1 OFFSET ${PROXIED_USERS_MAX}
     )`;
  const select = sql`
    SELECT user_id FROM proxied_user WHERE account_id = ? ORDER BY at DESC, user_id DESC`;
  return {
    /**
     * Notes that PluralKit has posted for a user. Beyond 10,000 users of an account, the oldest are
     * forgotten.
     */
    noteProxied: (accountId: AccountId, userId: UserId, now: number) =>
      commit(UNNAMED, () => {
        if (touch.run({ accountId, userId, now }).changes === 1) return;
        insert.run({ accountId, userId, now });
        prune.run({ accountId });
      }),
    /** The newest 10,000 users of an account, newest first. */
    proxied: (accountId: AccountId): Promise<readonly UserId[]> =>
      read(() => select.all(accountId).map((row) => PROXIED.read(row).userId)),
  };
}

/**
 * Stores verdicts that come later than their message (P1). An undecided message is decided once the
 * missing fact is there. A message that PluralKit repeats is taken back, unless its turn has begun
 * (P13).
 */
function createUndecided(
  { database, sql, commit, read }: Transactions,
  { verdicts, pruner, onRecorded, memory, inbox }: InboxDeps,
) {
  const select = sql`SELECT * FROM undecided WHERE account_id = ? ORDER BY id`;
  const take = prepareTakeUndecided(database);
  const takeWaiting = prepareTakeWaiting(database);
  const unpairedSenders = prepareUnpairedSenders(database);
  const waitingTurns = prepareWaitingTurns(database, memory);
  const keep = prepareKeepJudged(database, memory, pruner, inbox);
  const commandOf = prepareCommandOf(database);

  /**
   * Replaces a message's verdict within a transaction.
   *
   * @param at Unix time in milliseconds of its arrival, which it keeps if it stays undecided.
   */
  function replace(judged: Judged, now: number, at: number, waiting?: WaitingRules) {
    // No policy judges an original that PluralKit has replaced, so its command is that on record.
    const known = judged.verdict.why === "pk-original"
      ? { ...judged, command: commandOf(judged.message) }
      : judged;
    const { judged: paired } = unpairedSenders.settle(known, undefined, now);
    const checked = waitingTurns.check(paired, waiting, now);
    const { judged: settled } = checked;
    verdicts.replace(settled, now);
    checked.keep?.();
    const keptAt = settled.verdict.kind === "undecided" ? at : now;
    const { accepted, undecided, grown } = keep([settled], keptAt);
    pruner.afterBatch(grown, 1, now);
    return {
      settled,
      accepted,
      undecided,
      unanswered: unansweredIn([{ judged: settled, unanswered: checked.unanswered }]),
    };
  }

  return {
    /** Undecided messages of an account, in the order of arrival. */
    undecided: (accountId: AccountId): Promise<readonly Undecided[]> =>
      read(() => select.all(accountId).map(toUndecided)),
    /**
     * Decides an undecided message, or stores the fact that it waits for now. Any other message stays
     * unchanged. The content may differ from the stored one, because PluralKit names the real sender.
     *
     * @param waiting Limits of waiting turns (X4). Without them, every accepted message gets a turn.
     */
    async decide(judged: Judged, now: number, waiting?: WaitingRules): Promise<Accepted> {
      const { accountId, id } = judged.message;
      const replaced = await commit(UNNAMED, () => {
        const taken = take(accountId, id);
        return taken && replace(judged, now, taken.at, waiting);
      }, { onStored: (replaced) => memory.accepted(replaced?.accepted ?? []) });
      if (!replaced) return NOTHING_ACCEPTED;
      const { settled, accepted, undecided, unanswered } = replaced;
      onRecorded([settled]);
      return { ...NOTHING_ACCEPTED, accepted, undecided, unanswered };
    },
    /**
     * Takes back a message that is undecided, or accepted and still waiting for its first turn.
     *
     * @returns Whether it was taken back; `false` if its turn has begun.
     */
    async retract(
      accountId: AccountId,
      messageId: MessageId,
      verdict: Verdict & { readonly kind: "ignore" },
    ) {
      const retracted = await commit(UNNAMED, () => {
        const taken = take(accountId, messageId) ??
          (mayRetract(memory.turns, accountId, messageId)
            ? takeWaiting(accountId, messageId)
            : undefined);
        if (!taken) return undefined;
        const { at, ...waiting } = taken;
        return replace({ ...waiting, verdict }, at, at).settled;
      }, {
        isAlone: true, // so that no running turn takes the message in meanwhile
        onStored: (gone) => gone && memory.apply({ kind: "retracted", messageId }),
      });
      if (retracted) onRecorded([retracted]);
      return retracted !== undefined;
    },
  };
}

/** A message that no turn was ever begun for. */
type Unclaimed = Pick<Undecided, "message" | "knownFacts" | "policyId" | "at">;

const WAITING = rows({ message: json<InboundMessage>(), acceptedAt: integer() });
const KNOWN = rows({ knownFacts: optional(json<KnownFacts>()), policyRow: optional(integer()) });

function prepareTakeWaiting(database: DatabaseSync) {
  const sql = statementsOf(database);
  const remove = sql`DELETE FROM inbox
     WHERE message_id = ? AND account_id = ? AND state = 'waiting' AND attempt = 0
     RETURNING message, accepted_at`;
  const select = sql`SELECT facts -> '$.knownFacts' AS known_facts, policy_row FROM decision
     WHERE message_id = ? AND account_id = ?`;
  return (accountId: AccountId, messageId: MessageId): Unclaimed | undefined => {
    const row = remove.get(messageId, accountId);
    if (!row) return undefined;
    const { message, acceptedAt: at } = WAITING.read(row);
    const decision = select.get(messageId, accountId);
    if (!decision) return { message, at };
    const { knownFacts, policyRow: policyId } = KNOWN.read(decision);
    return { message, knownFacts, policyId, at };
  };
}

const COMMAND = rows({ command: optional(text()) });

/** Prepares the look-up of the command that the facts of a message name. */
function prepareCommandOf(database: DatabaseSync) {
  const sql = statementsOf(database);
  const select = sql`SELECT facts ->> '$.command' AS command FROM decision
     WHERE message_id = ? AND account_id = ?`;
  return ({ accountId, id }: InboundMessage): string | undefined => {
    const row = select.get(id, accountId);
    return row && COMMAND.read(row).command;
  };
}
