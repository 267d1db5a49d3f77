/**
 * `store.inbox`: messages from their arrival (T1) until a turn claims them (T2).
 *
 * One process writes to a store (`host/locks/lock.ts`), so a claim needs no lease. A row that is
 * running when a process starts was claimed by a dead process.
 *
 * The sequence number is in the same transaction as the events that it covers. A process that dies
 * before the commit resumes from the number before, and gets all of them again. Messages that were
 * read over REST have no sequence number, and do not change the progress.
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import {
  type Accepted,
  type AcceptedBatch,
  type Claim,
  type Judged,
  lastOf,
  NOTHING_ACCEPTED,
  type Route,
  type WaitingRules,
  type WaitingTurn,
} from "../../core/inbound/inbox.ts";
import type { SlashCommand } from "../../core/inbound/interactions.ts";
import type { KnownFacts, UndecidedReason, Verdict } from "../../core/inbound/verdict.ts";
import type { Step } from "../../core/step.ts";
import {
  COMMIT_OPTIONS,
  statementsOf,
  type Transactions,
  UNNAMED,
} from "../database/durability.ts";
import type { MayBegin, WaitingMessage } from "../memory/backlog.ts";
import { type Memory, readMessage } from "../memory/memory.ts";
import { isRunning, mayRetract } from "../memory/open_turns.ts";
import { prepareMessageBlocks } from "../messages/message_blocks.ts";
import { prepareUnpairedSenders } from "../pairing/pairing.ts";
import { flag, integer, json, optional, rows, snowflake, text } from "../schema/columns.ts";
import { OPEN_COMMAND, PROXIED_USERS_MAX, TOKEN_MS } from "../schema/messages.ts";
import type { ClaimRecord, InboxRows } from "../turns/turn_ends.ts";
import { prepareInsertSteps } from "../turns/turn_ends.ts";
import { createStopTurns, prepareChanges, prepareStops } from "./changes.ts";
import {
  type BatchDeps,
  directOf,
  type InboxDeps,
  prepareKeepJudged,
  prepareStoreBatch,
  prepareTakeUndecided,
  prepareWaitingTurns,
  toUndecided,
  unansweredIn,
} from "./store_batch.ts";

const OPEN = rows({
  interactionId: text(),
  applicationId: snowflake<"application">(),
  token: text(),
  senderId: snowflake<"user">(),
  name: text(),
  isAsked: flag(), // a turn answers it
});

/** A command as the store keeps it. */
export type OpenCommand = ReturnType<typeof OPEN.read>;

function createCommands({ database, sql, commit, read }: Transactions) {
  /** Commands that were answered before their rows were stored. */
  const early = new Set<string>();
  const insert = OPEN_COMMAND.prepareInsert(database, "ON CONFLICT DO NOTHING");
  const prune = sql`DELETE FROM open_command WHERE at < ?`;
  const isAsked = "EXISTS (SELECT 1 FROM inbox WHERE message_id = interaction_id)";
  const select = sql.rows(OPEN.read)`
    SELECT interaction_id, application_id, token, sender_id, name, ${isAsked} AS is_asked
    FROM open_command WHERE account_id = ? AND is_answered = 0`;
  const selectOne = sql.rows(OPEN.read)`
    SELECT interaction_id, application_id, token, sender_id, name, 1 AS is_asked
    FROM open_command WHERE interaction_id = ? AND at >= ?`;
  const answer = sql`UPDATE open_command SET is_answered = 1 WHERE interaction_id = ?`;
  const cut = sql`
    UPDATE decision SET why = 'command-cut' WHERE message_id = ? AND why = 'caught-up'`;
  const remove = sql`DELETE FROM open_command WHERE interaction_id = ? AND NOT ${isAsked}`;
  return {
    /** Adds commands that have arrived, within a transaction of the caller's. */
    addCommands(commands: readonly SlashCommand[], now: number): void {
      prune.run(now - TOKEN_MS);
      for (const { id, accountId, applicationId, token, sender, name } of commands) {
        if (early.delete(id)) continue;
        const of = { interactionId: id, accountId, applicationId, token, name };
        insert({ ...of, senderId: sender.id, at: now });
      }
    },
    /** Commands of an account whose answers have not left. */
    openCommands: (accountId: AccountId): Promise<readonly OpenCommand[]> =>
      read(() => select.all(accountId)),
    /** The command that has started a turn, while its token works; `undefined` if none has. */
    commandOf: (cause: MessageId, now: number): Promise<OpenCommand | undefined> =>
      read(() => selectOne.get(cause, now - TOKEN_MS)),
    /**
     * Stores that the answer of a command has left, or never will.
     *
     * @param isCut Whether the process ended before: then its decision says so.
     */
    commandAnswered: (interactionId: string, isCut = false) =>
      commit(UNNAMED, () => {
        if (isCut) cut.run(interactionId);
        if (answer.run(interactionId).changes === 0) early.add(interactionId);
        remove.run(interactionId);
      }),
  };
}

export type Commands = ReturnType<typeof createCommands>;

/** Maximum number of messages that one turn answers. */
const CARRIED_MAX = 20;

const isAlone: Admits = (_, running) => running.length === 0;

/** Messages that may become part of a turn, or have. */
interface Joining {
  readonly entry: WaitingMessage;
  readonly message: InboundMessage;
}

function claimOf(turn: MessageId, entries: readonly WaitingMessage[], now: number): ClaimRecord {
  const messages = entries.map(({ messageId, attempts }) => ({ messageId, attempt: attempts + 1 }));
  return { turn, messages, now };
}

function createClaims(
  { database, sql, commit, read }: Transactions,
  { turns, apply, readTurns, forgotten }: Memory,
  inbox: InboxRows,
) {
  const { backlog } = turns;
  const insertSteps = prepareInsertSteps(database);
  const selectMessage = sql`SELECT message FROM inbox WHERE message_id = ?`;
  const release = sql`UPDATE inbox SET state = 'waiting'
     WHERE (message_id = ? AND attempt = ? OR turn_of = ?) AND state = 'running'`;
  const voidClaims = sql`UPDATE inbox SET state = 'waiting'
     WHERE finished_at IS NULL AND state = 'running' AND (:accountId IS NULL OR account_id = :accountId)`;

  /**
   * T2. A turn is counted before it begins, so a message that makes the process crash is given up
   * eventually.
   */
  const storeClaim = (claim: Claim, entries: readonly WaitingMessage[], now: number) =>
    commit(COMMIT_OPTIONS.T2, () => inbox.claim(claimOf(claim.message.id, entries, now)));

  const readText = ({ messageId }: WaitingMessage): Promise<InboundMessage> =>
    read(() => readMessage(selectMessage.get(messageId)));

  /** Whether a turn still runs, and messages still wait for it, unchanged. */
  const mayJoin = (turn: MessageId, entries: readonly WaitingMessage[]): boolean =>
    turns.running.has(turn) && entries.every((entry) => backlog.find(entry.messageId) === entry);

  /**
   * Finds messages behind a turn.
   *
   * @param decide Whether the turn gets a message; `end` ends the search.
   * @param max Maximum number of them.
   * @param last Only those behind this message; absent: all of the session.
   */
  async function findBehind(
    turn: WaitingMessage,
    max: number,
    decide: (entry: WaitingMessage, message: InboundMessage) => "take" | "skip" | "end",
    last?: MessageId,
  ): Promise<readonly Joining[]> {
    const found: Joining[] = [];
    let after = last;
    while (found.length < max) {
      const entry = backlog.behind(turn, after);
      if (!entry) break;
      after = entry.messageId;
      const message = entry.message ?? await readText(entry);
      const decision = decide(entry, message);
      if (decision === "end") break;
      if (decision === "skip") continue;
      if (!mayJoin(turn.messageId, [entry])) break; // an edit came in between
      found.push({ entry, message });
    }
    return found;
  }

  /**
   * Of a turn that no attempt has begun. An older message may wait, too: of a person whose turn runs
   * elsewhere. It has a turn of its own, for the answer belongs to the newest message of a turn.
   */
  function findNext(turn: WaitingMessage, last: InboundMessage, carries: Carries, max: number) {
    let newest = last;
    return findBehind(turn, max, (entry, message) => {
      if (entry.attempts > 0 || !carries(newest, message, turn.route.agentId)) return "end";
      newest = message;
      return "take";
    }, last.id);
  }

  const findEarlier = (turn: WaitingMessage) =>
    findBehind(turn, Infinity, ({ turnOf }) => turnOf === turn.messageId ? "take" : "skip");

  /** Reads everything that a claimed turn needs, and stores its claim. */
  async function begin(taken: WaitingMessage, carries: Carries, now: number): Promise<Claim> {
    const { messageId, route, attempts } = taken;
    const message = taken.message ?? await readText(taken);
    const others = attempts > 0
      ? await findEarlier(taken)
      : await findNext(taken, message, carries, CARRIED_MAX - 1);
    const also = others.filter(({ entry }) => mayJoin(messageId, [entry]));
    for (const { entry } of also) apply({ kind: "joined", turn: messageId, entry });
    const claim: Claim = {
      message,
      also: also.length > 0 ? also.map(({ message }) => message) : undefined,
      route,
      attempt: attempts + 1,
    };
    // After all reads: a stored claim that is put back would block its session.
    if (isRunning(turns, claim)) {
      await storeClaim(claim, [taken, ...also.map(({ entry }) => entry)], now);
    }
    return claim;
  }

  return {
    /**
     * T2: claims a waiting message of an account. Of the sessions with messages that may begin, it
     * chooses the one that has waited longest, and in it the message that was written first. Catch-up
     * may bring that message after a later one. Several accounts may share a session.
     *
     * @param blocked Channels without claims for now, because older messages of them may still
     * arrive.
     * @param carries Whether the turn of a message also answers the one that waits behind it (S5).
     * Without it, each message has a turn of its own. A turn that an earlier attempt began keeps its
     * messages, and gets no more.
     * @param admits Whether the turn of a message may begin now, beside these running turns of its
     * session, named by the messages that they began with. Others of its session may begin before it.
     * Absent: each may, if no turn of its session runs.
     */
    async claimNext(
      accountId: AccountId,
      now: number,
      blocked: "all" | readonly ChannelId[],
      carries: Carries = () => false,
      admits: Admits = isAlone,
    ): Promise<Claim | undefined> {
      for (;;) {
        if (blocked === "all") return undefined;
        if (turns.isStale) await read(readTurns);
        const mayBegin: MayBegin = (entry, running) =>
          !blocked.includes(entry.channelId) && admits(entry, running);
        const taken = backlog.next(accountId, mayBegin);
        if (!taken) return undefined;
        apply({ kind: "claimed", entry: taken, now });
        try {
          const claim = await begin(taken, carries, now);
          if (isRunning(turns, claim)) return claim; // else an edit or a deletion came in between
        } catch (error) {
          apply({ kind: "put back", turn: taken.messageId });
          throw error;
        }
      }
    },
    /**
     * TS: adds messages that wait behind a running turn to it, and stores that together with steps.
     *
     * @param carries As for `claimNext()`, with the last message of the turn.
     * @param stepsWith The steps to store if the turn gets these messages.
     * @returns The turn with its further messages; `undefined` if none wait that it may get.
     */
    async takeIn(
      running: Claim,
      now: number,
      carries: Carries,
      stepsWith: (messages: readonly InboundMessage[]) => readonly Step[],
    ): Promise<Claim | undefined> {
      const { message: { id: messageId, accountId }, also = [], attempt } = running;
      const [turn] = turns.running.get(messageId)?.entries ?? [];
      if (!turn || !backlog.behind(turn) || !isRunning(turns, running)) return undefined;
      const room = CARRIED_MAX - 1 - also.length;
      const joining = await findNext(turn, lastOf(running), carries, room);
      if (joining.length === 0) return undefined;
      const entries = joining.map(({ entry }) => entry);
      const messages = joining.map(({ message }) => message);
      const isTaken = await commit(COMMIT_OPTIONS.TS, () => {
        if (!isRunning(turns, running)) {
          throw new Error(`The turn of message ${messageId} has ended`);
        }
        if (!mayJoin(messageId, entries)) return false; // an edit came in between
        const steps = stepsWith(messages);
        if (forgotten.hasRead(messageId, steps)) return false; // the next TS ends it
        inbox.claim(claimOf(messageId, entries, now));
        insertSteps({ accountId, messageId, attempt }, steps);
        return true;
      }, {
        onStored(isTaken) {
          if (!isTaken) return;
          for (const entry of entries) apply({ kind: "joined", turn: messageId, entry });
        },
      });
      return isTaken ? { ...running, also: [...also, ...messages] } : undefined;
    },
    /** Whether a claim still runs: neither ended, nor given back, nor touched by a change (H6). */
    isRunning: (claim: Claim) => isRunning(turns, claim),
    /** Makes a message wait again whose turn could not finish. */
    async release(claim: Claim) {
      const { message: { id }, attempt } = claim;
      if (!isRunning(turns, claim)) return; // a change has ended it: its messages wait already
      await commit(UNNAMED, () => void release.run(id, attempt, id), {
        isAlone: true,
        onStored: () => apply({ kind: "released", claim }),
      });
    },
    /**
     * Makes every running message wait again: of one account before its first claim, or of all
     * accounts that ever existed before any claim. Accounts share sessions, and a turn of a removed
     * account would block the others for ever.
     *
     * @returns Number of turns that were left unfinished.
     */
    voidClaims: (accountId?: AccountId) =>
      commit(
        UNNAMED,
        () => Number(voidClaims.run({ accountId: accountId ?? null }).changes),
        { isAlone: true, onStored: () => apply({ kind: "voided", accountId }) },
      ),
  };
}

function createBatches(
  { database, commit, read }: Transactions,
  { memory, verdicts, pruner, transcripts, inbox, commands, onRecorded }: BatchDeps,
) {
  const { direct } = memory;
  const unpairedSenders = prepareUnpairedSenders(database);
  const waitingTurns = prepareWaitingTurns(database, memory);
  const blocks = prepareMessageBlocks(database);
  const changes = prepareChanges(database, memory, blocks, transcripts);
  const stops = prepareStops(database);
  const deps = { memory, verdicts, pruner, transcripts, inbox, commands };
  const store = prepareStoreBatch(database, deps, unpairedSenders, waitingTurns, changes, stops);

  return {
    /**
     * T1. A message that the store has already stays unchanged, with its verdict. Challenges are
     * settled here. A sender who is paired by now is accepted. If a sender gets a code, the message
     * with the code goes to the outbox. If too many turns wait, an accepted message is refused, and
     * the notice about that goes to the outbox (X4).
     *
     * @param arrivedAt Unix time in milliseconds at which the batch arrived. That may be an hour ago,
     * if the disk has refused it since.
     */
    async acceptBatch(batch: AcceptedBatch, arrivedAt: number): Promise<Accepted> {
      // Only a new code, a channel's first message and a call wait for the disk. A flood cannot produce
      // the first two, and calls have a limit of their own.
      const previewed = batch.judged.some(({ verdict }) => verdict.kind === "challenge")
        ? await read(() => batch.judged.map((judged) => unpairedSenders.preview(judged, arrivedAt)))
        : batch.judged;
      const isFirst = previewed.some(({ verdict }) => verdict.kind === "challenge") ||
        directOf(previewed).some((message) => !direct.has(keyOf(message)));
      if (batch.waiting && memory.turns.counts.isStale) await read(memory.readTurns);
      const name = isFirst ? "FIRST_DM" : "T1";
      const mayCut = (batch.changes ?? []).length > 0 || batch.judged.some(({ stop }) => stop);
      const storing = commit(COMMIT_OPTIONS[name], () => store(batch, arrivedAt), {
        isAlone: mayCut, // so that no turn ends with the answer to another text
        onStored({ recorded, accepted, applied }) {
          for (const message of directOf(recorded)) direct.add(keyOf(message));
          memory.accepted(accepted);
          if (applied) changes.remember(applied);
        },
      });
      const { recorded, applied: _, ...accepted } = await storing;
      onRecorded(recorded);
      return accepted;
    },
  };
}

function keyOf({ accountId, channelId }: InboundMessage): string {
  return `${accountId} ${channelId}`;
}

/** Whether the turn of a message may begin, beside running turns of its session. */
export type Admits = (waiting: WaitingTurn, running: readonly MessageId[]) => boolean;

/** Whether the turn of a message, which an agent answers, also answers a later one. */
type Carries = (message: InboundMessage, next: InboundMessage, agentId: string) => boolean;

export interface Undecided {
  /** The message, as it was judged last. */
  readonly message: InboundMessage;
  readonly why: UndecidedReason;
  /** The agent and session of its turn; absent if its verdict had no route. */
  readonly route?: Route;
  /** The facts known beside the message when it was judged; absent if none were stored. */
  readonly knownFacts?: KnownFacts;
  /** The store's number of the policy that judged it; absent if the store kept none. */
  readonly policyId?: number;
  readonly at: number;
}

export function createInbox(transactions: Transactions, deps: InboxDeps) {
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
