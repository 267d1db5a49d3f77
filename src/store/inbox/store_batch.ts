/**
 * Stores a batch in the tables, within a transaction of the caller's (T1).
 */

import type { UnansweredReason } from "../../core/inbound/waiting_limits.ts";
import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import type { KnownFacts } from "../../core/inbound/facts.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import {
  type Accepted,
  type AcceptedBatch,
  type Judged,
  NOTHING_CHANGED,
  toUnanswered,
  type UnansweredMessage,
} from "../../core/inbound/inbox.ts";
import { type Overheard, toOverheard } from "../../core/inbound/transcript.ts";
import type { Undecided } from "../../core/store/inbox.ts";
import type { OverheardKey } from "../../core/store/turns.ts";
import { prepareKeepGuild } from "../gateway/accounts.ts";
import { prepareAdvanceSession } from "../gateway/sessions.ts";
import { type AppliedChanges, type Changes, NOTHING_APPLIED } from "./changes.ts";
import type { Commands } from "./commands.ts";
import type { prepareStops } from "./cuts.ts";
import type { WaitingTurns } from "./waiting_turns.ts";
import { prepareAddEvents } from "../hooks/hooks.ts";
import type { Memory } from "../memory/memory.ts";
import { prepareSettleEcho } from "../outbox/outbox_rows.ts";
import type { prepareUnpairedSenders, Settled } from "../pairing/unpaired_senders.ts";
import { prepareMessageBlocks } from "../messages/message_blocks.ts";
import { prepareKeepDirectChannel } from "../messages/messages.ts";
import type { ContextGrowth, Pruner } from "../messages/retention.ts";
import type { prepareVerdictRows } from "../messages/verdict_rows.ts";
import { integer, json, oneOf, optional, rows, text } from "../schema/columns.ts";
import type { InboxRows } from "../turns/inbox_rows.ts";
import { prepareKeepReactions } from "../turns/reactions.ts";
import type { TranscriptRows } from "../turns/transcripts.ts";
import { prepareKeepOverheard } from "../turns/turns.ts";

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
  unpairedSenders: Pick<ReturnType<typeof prepareUnpairedSenders>, "settle">,
  waitingTurns: Pick<WaitingTurns, "check">,
  changes: Pick<Changes, "apply">,
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
  readonly commands: Pick<Commands, "addCommands">;
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
  { quiet }: Pick<Memory, "quiet">,
  { contextPerChannel }: Pick<Pruner, "contextPerChannel">,
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
