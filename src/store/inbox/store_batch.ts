/**
 * Stores a batch in the tables, within a transaction of the caller's (T1).
 *
 * The verdict is stored in the transaction that records the message. So after a crash, the same
 * message is neither answered nor refused a second time.
 *
 * A message has one verdict (G7): it keeps the stored one, even if the gateway replays the message.
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import {
  type Accepted,
  type AcceptedBatch,
  type FullList,
  fullList,
  type Judged,
  LIMIT_RULES,
  NOTHING_CHANGED,
  shareOf,
  toUnanswered,
  type UnansweredMessage,
  type UnansweredReason,
  type WaitingLimits,
  type WaitingRules,
} from "../../core/inbound/inbox.ts";
import { termsOf } from "../../core/inbound/origin.ts";
import { type Overheard, toOverheard } from "../../core/inbound/transcript.ts";
import { factsOf, type KnownFacts, TOLD_WITHIN_MS } from "../../core/inbound/verdict.ts";
import { statementsOf } from "../database/durability.ts";
import { prepareKeepGuild } from "../gateway/accounts.ts";
import { prepareAdvanceSession } from "../gateway/gateway.ts";
import { prepareAddEvents } from "../hooks/hooks.ts";
import type { Memory } from "../memory/memory.ts";
import type { OpenTurn, TurnList } from "../memory/open_turns.ts";
import { type OverheardKey, prepareMessageBlocks } from "../messages/message_blocks.ts";
import { prepareKeepDirectChannel } from "../messages/messages.ts";
import type { ContextGrowth, Pruner } from "../messages/retention.ts";
import { prepareSettleEcho } from "../outbox/rows.ts";
import type { prepareUnpairedSenders, Settled } from "../pairing/pairing.ts";
import { integer, json, oneOf, optional, rows, text } from "../schema/columns.ts";
import type { InboxRows } from "../turns/turn_ends.ts";
import { prepareKeepReactions } from "../turns/reactions.ts";
import type { TranscriptRows } from "../turns/transcripts.ts";
import { prepareKeepOverheard } from "../turns/turns.ts";
import { type AppliedChanges, type Changes, NOTHING_APPLIED } from "./changes.ts";
import type { Commands, Undecided } from "./inbox.ts";
import type { prepareStops } from "./changes.ts";

/** An accepted message after the check. */
export interface Checked {
  /** The message, refused or unchanged. */
  readonly judged: Judged;
  /** Stores everything else that the result needs, once the verdict is new on the record. */
  readonly keep?: () => void;
  /** Why the person who wrote it gets no answer; absent for bots, and if it gets one. */
  readonly unanswered?: UnansweredReason;
}

/** Prepares the check of waiting turns. */
export function prepareWaitingTurns(
  database: DatabaseSync,
  { turns: { counts: turns }, apply, readTurns }: Memory,
) {
  const isInInbox = statementsOf(database)`SELECT 1 FROM inbox WHERE message_id = ?`;
  const expect = (turn: OpenTurn): void => apply({ kind: "expected", turn });

  return {
    /**
     * Checks a message that has no final verdict yet, within a transaction of the caller's, and whether
     * catch-up leaves it without an answer.
     *
     * @param rules Without them, every turn may wait. It counts for later ones.
     */
    check(judged: Judged, rules: WaitingRules | undefined, now: number): Checked {
      const { message, verdict } = judged;
      const why = missedWhy(judged, now);
      if (why && rules) return { judged, unanswered: toldTo(message, why) };
      if (verdict.kind !== "accept") return { judged };
      if (!rules) return { judged, keep: () => expect(turnOf(message)) };
      if (judged.stop) return { judged }; // a full list must not keep it from stopping turns
      if (turns.isStale) readTurns();
      // Another account answers it, and counts it.
      if (isInInbox.get(message.id)) return { judged };
      const turn = turnOf(message);
      const full = fullOf(turns.listsOf(turn), rules, message);
      if (full) {
        const refused = refusedBy(judged, full.list, rules);
        return { judged: refused, unanswered: toldTo(message, "queue-full") };
      }
      return { judged, keep: () => expect(turn) };
    },
  };
}

/** Checks accepted messages; others stay unchanged. */
type WaitingTurns = ReturnType<typeof prepareWaitingTurns>;

/** No one waits for a passive agent, and a program learns of it by its response. */
function toldTo(message: InboundMessage, why: UnansweredReason): UnansweredReason | undefined {
  return message.sender.automaton || !termsOf(message).refused ? undefined : why;
}

/** The list in which no more turn may wait; `undefined` if neither is full. */
function fullOf(
  [user, channel]: readonly [user: TurnList, channel: TurnList],
  rules: WaitingRules,
  message: InboundMessage,
): TurnList | undefined {
  const limits = message.origin?.kind === "passive" ? halfOf(rules) : rules;
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

export function prepareVerdictRows(database: DatabaseSync) {
  const sql = statementsOf(database);
  const row = `INTO decision (message_id, account_id, channel_id, author_id, verdict, why, rule,
      policy_row, facts, at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
  const insert = sql`INSERT ${row} ON CONFLICT (message_id, account_id) DO NOTHING`;
  const insertAnew = sql`INSERT OR REPLACE ${row}`;
  // The inbox keeps its messages for longer.
  const select = sql`SELECT 1 FROM decision WHERE message_id = :id
    UNION ALL SELECT 1 FROM inbox WHERE message_id = :id LIMIT 1`;
  const selectOf = sql`SELECT 1 FROM decision WHERE message_id = ? AND account_id = ?`;

  function columnsOf(judged: Judged, now: number) {
    const { message, verdict, policyVerdict, knownFacts = {}, policyId = null, command } = judged;
    const { id, accountId, channelId, sender } = message;
    const { kind, why, rule } = verdict;
    const facts = JSON.stringify(factsOf(message, knownFacts, verdict, policyVerdict, command));
    return [id, accountId, channelId, sender.id, kind, why, rule, policyId, facts, now] as const;
  }

  return {
    isOnRecord: ({ id, accountId }: Judged["message"]): boolean =>
      selectOf.get(id, accountId) !== undefined,
    /** Whether no account has a message on record. */
    isNew: ({ id }: Judged["message"]): boolean => select.get({ id }) === undefined,
    /** Records a verdict. Returns whether the message is new to the account; if not, nothing changes. */
    add: (judged: Judged, now: number): boolean =>
      insert.run(...columnsOf(judged, now)).changes === 1,
    /** Replaces the verdict of a message, or records the first one. It becomes the newest verdict. */
    replace: (judged: Judged, now: number): void => void insertAnew.run(...columnsOf(judged, now)),
  };
}

/** Stores a batch in the tables. */
export type StoreBatch = (batch: AcceptedBatch, arrivedAt: number) => Accepted & {
  /** The messages whose verdicts are new. */
  readonly recorded: readonly Judged[];
  /** The effect of changes; absent if the batch had none. */
  readonly applied?: AppliedChanges;
};

interface Recorded extends Settled {
  /** Why its sender gets no answer; absent: not by this message. */
  readonly unanswered?: UnansweredReason;
}

export function prepareStoreBatch(
  database: DatabaseSync,
  { memory, verdicts, pruner, inbox, commands }: Omit<BatchDeps, "onRecorded">,
  unpairedSenders: ReturnType<typeof prepareUnpairedSenders>,
  waitingTurns: WaitingTurns,
  changes: Changes,
  stops: ReturnType<typeof prepareStops>,
): StoreBatch {
  const keep = prepareKeepJudged(database, memory, pruner, inbox);
  const settleEcho = prepareSettleEcho(database);
  const keepGuild = prepareKeepGuild(database);
  const keepReactions = prepareKeepReactions(database);
  const addEvents = prepareAddEvents(database);
  const advance = prepareAdvanceSession(database);

  /**
   * Records one message after the other. So an unpaired sender's second message finds the request
   * of the first, and each turn counts for the next one.
   */
  function recordAll(
    { judged, pairing, waiting }: AcceptedBatch,
    now: number,
  ): readonly Recorded[] {
    const recorded: Recorded[] = [];
    for (const incoming of judged) {
      const { verdict, message } = incoming;
      const isForStore = verdict.kind === "challenge" || verdict.kind === "accept";
      if (isForStore && verdicts.isOnRecord(message)) continue;
      const { judged: settled, request } = unpairedSenders.settle(incoming, pairing, now);
      const { judged, keep, unanswered } = waitingTurns.check(settled, waiting, now);
      if (!verdicts.add(judged, now)) continue;
      keep?.();
      recorded.push({ judged, request, unanswered });
    }
    return recorded;
  }

  /** Stops come before edits and deletions: they concern messages that this batch had already. */
  function applyAll(
    { accountId, changes: changed = [] }: AcceptedBatch,
    accepted: readonly Judged[],
    now: number,
  ): AppliedChanges | undefined {
    const asked = accepted.flatMap(({ message, stop }) => stop ? [{ message, stop }] : []);
    if (asked.length === 0 && changed.length === 0) return undefined;
    const applied = changed.length > 0 ? changes.apply(accountId, changed, now) : NOTHING_APPLIED;
    const stopped = asked.flatMap(({ message, stop }) => stops.stop(stop, message.id, now));
    if (stopped.length === 0) return applied;
    const cut = stopped.map(({ messageId }) => messageId);
    return {
      ...applied,
      cut: [...applied.cut, ...cut],
      touched: [...applied.touched, ...cut],
      channels: [...applied.channels, ...asked.map(({ message }) => message.channelId)],
    };
  }

  return (batch, arrivedAt) => {
    const { accountId, heard, echoes, reactions = [], hookEvents, guilds } = batch;
    const results = recordAll(batch, arrivedAt);
    const recorded = results.map(({ judged }) => judged);
    const { accepted, undecided, grown } = keep(recorded, arrivedAt);
    const applied = applyAll(batch, accepted, arrivedAt);
    const echoResults = echoes.map((echo) => settleEcho(accountId, echo));
    if (reactions.length > 0) keepReactions(accountId, reactions, arrivedAt);
    if (hookEvents) addEvents(hookEvents, arrivedAt);
    if (batch.commands) commands.addCommands(batch.commands, arrivedAt);
    for (const guild of guilds) keepGuild(accountId, guild);
    if (heard) {
      const storedUpTo = newestOf(recorded);
      advance(accountId, { ...heard, storedUpTo, heardAt: arrivedAt });
    }
    pruner.afterBatch(grown, recorded.length, arrivedAt);
    const settledRows = echoResults.flatMap(({ settledIn }) => settledIn ?? []);
    const cut = new Set<string>(applied?.cut);
    return {
      ...(applied ?? NOTHING_CHANGED),
      recorded,
      applied,
      accepted: cut.size === 0 ? accepted : accepted.filter(({ message: { id } }) => !cut.has(id)),
      undecided,
      challenged: results.flatMap(({ request }) => request ?? []),
      unanswered: unansweredIn(results),
      settled: settledRows.length,
      settledIn: [...new Set(settledRows)],
      foreign: echoResults.flatMap(({ foreign }) => foreign ?? []),
    };
  };
}

export function unansweredIn(
  results: readonly { readonly judged: Judged; readonly unanswered?: UnansweredReason }[],
): readonly UnansweredMessage[] {
  return results.flatMap(({ judged: { message }, unanswered: why }) =>
    why ? [toUnanswered(message, why)] : []
  );
}

/** When the newest message was sent; 0 if there are none. */
function newestOf(recorded: readonly Judged[]): number {
  let newest = 0;
  for (const { message } of recorded) if (message.sentAt > newest) newest = message.sentAt;
  return newest;
}

/** Everything that the inbox needs from other parts of the store. */
export interface InboxDeps {
  /** Waiting messages and channels that this process remembers. */
  readonly memory: Memory;
  readonly verdicts: ReturnType<typeof prepareVerdictRows>;
  /** Deletes old context and verdicts as new ones arrive. */
  readonly pruner: Pruner;
  /** Transcripts of sessions, which a deletion changes. */
  readonly transcripts: TranscriptRows;
  readonly inbox: InboxRows;
  /** Gets the new verdicts, once they are stored. */
  readonly onRecorded: (recorded: readonly Judged[]) => void;
}

/** The same, with the commands of people. */
export interface BatchDeps extends InboxDeps {
  readonly commands: Commands;
}

/** The messages and channels that new verdicts have changed. */
export interface Kept {
  readonly accepted: readonly Judged[];
  /** Messages that wait for a fact. */
  readonly undecided: readonly Judged[];
  /** Channels whose context has grown. */
  readonly grown: readonly ContextGrowth[];
}

/** Applies verdicts within a transaction of the caller's. */
export type KeepJudged = (recorded: readonly Judged[], now: number) => Kept;

/**
 * Prepares the effects of verdicts: a message then goes to the inbox, to a channel's context, or to the
 * undecided messages.
 */
export function prepareKeepJudged(
  database: DatabaseSync,
  { quiet }: Memory,
  { contextPerChannel }: Pruner,
  inbox: InboxRows,
): KeepJudged {
  const blocks = prepareMessageBlocks(database);
  const keepOverheard = prepareKeepOverheard(blocks, quiet, contextPerChannel);
  const keepDirectChannel = prepareKeepDirectChannel(database);
  const keepUndecided = prepareKeepUndecided(database);
  return (recorded, now) => {
    const grown: ContextGrowth[] = [];
    for (const { key, messages } of overheardIn(recorded)) {
      keepOverheard(key, messages, now);
      grown.push({ key, count: messages.length });
    }
    const accepted = recorded.filter(({ message, verdict, route }) => {
      if (verdict.kind !== "accept") return false;
      if (!route) throw new TypeError(`Cannot accept message ${message.id}: it has no route`);
      return inbox.add(message, route, now);
    });
    for (const message of directOf(recorded)) keepDirectChannel(message);
    const undecided = recorded.filter(({ verdict }) => verdict.kind === "undecided");
    for (const judged of undecided) keepUndecided(judged, now);
    return { accepted, undecided, grown };
  };
}

/** The messages to keep as context, by channel. */
function overheardIn(
  recorded: readonly Judged[],
): Iterable<{ readonly key: OverheardKey; readonly messages: readonly Overheard[] }> {
  const channels = new Map<
    string,
    { readonly key: OverheardKey; readonly messages: Overheard[] }
  >();
  const messagesOf = ({ message: { accountId, channelId } }: Judged) => {
    const name = `${accountId} ${channelId}`;
    let channel = channels.get(name);
    if (!channel) channels.set(name, channel = { key: { accountId, channelId }, messages: [] });
    return channel.messages;
  };
  for (const judged of recorded) {
    if (isContext(judged)) messagesOf(judged).push(toOverheard(judged.message));
  }
  return channels.values();
}

function isContext({ verdict }: Judged): boolean {
  return verdict.kind === "ignore" && verdict.keepAsContext;
}

export function directOf(judged: readonly Judged[]): readonly InboundMessage[] {
  return judged
    .filter(({ verdict, message }) => verdict.kind === "accept" && message.place.kind !== "guild")
    .map(({ message }) => message);
}

/** A message that is there already keeps its time of arrival. */
function prepareKeepUndecided(database: DatabaseSync) {
  const sql = statementsOf(database);
  const upsert = sql`
    INSERT INTO undecided (account_id, message_id, why, agent_id, session_key, message,
                           known_facts, policy_row, at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (account_id, message_id) DO UPDATE SET
      why = excluded.why,
      agent_id = excluded.agent_id,
      session_key = excluded.session_key,
      message = excluded.message,
      known_facts = excluded.known_facts,
      policy_row = excluded.policy_row`;
  return ({ message, verdict, route, knownFacts, policyId }: Judged, now: number): void => {
    upsert.run(
      message.accountId,
      message.id,
      verdict.why,
      route?.agentId ?? null,
      route?.sessionKey ?? null,
      JSON.stringify(message),
      knownFacts ? JSON.stringify(knownFacts) : null,
      policyId ?? null,
      now,
    );
  };
}

/**
 * Prepares the removal of an undecided message within a transaction of the caller's. It finds
 * `undefined` if the message is decided already.
 */
export function prepareTakeUndecided(database: DatabaseSync) {
  const sql = statementsOf(database);
  const remove = sql.rows(toUndecided)`
    DELETE FROM undecided WHERE account_id = ? AND message_id = ? RETURNING *`;
  return (accountId: AccountId, messageId: MessageId) => remove.get(accountId, messageId);
}

/** The JSON is ours, written by {@link prepareKeepUndecided}. */
const UNDECIDED = rows({
  why: oneOf("pluralkit", "pluralkit-original"),
  agentId: optional(text()),
  sessionKey: optional(text()),
  message: json<InboundMessage>(),
  knownFacts: optional(json<KnownFacts>()),
  policyRow: optional(integer()),
  at: integer(),
});

/**
 * Reads a row of `undecided`.
 *
 * @throws {ZodError} If the row is not as {@link prepareKeepUndecided} wrote it.
 */
export function toUndecided(row: unknown): Undecided {
  const { agentId, sessionKey, policyRow: policyId, ...undecided } = UNDECIDED.read(row);
  const route = agentId !== undefined && sessionKey !== undefined
    ? { agentId, sessionKey }
    : undefined;
  return { ...undecided, route, policyId };
}
