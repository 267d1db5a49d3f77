/**
 * `store.inbox`: messages from their arrival (T1) until a turn claims them (T2).
 *
 * One process writes to a store (`host/locks/lock.ts`), so a claim needs no lease. A row that is
 * running when a process starts was claimed by a dead process.
 *
 * The sequence number is in the same transaction as the events that it covers. A process that dies
 * before the commit resumes from the number before, and gets all of them again. Messages that were
 * read over REST have no sequence number, and do not change the progress.
 *
 * The verdict is stored in the transaction that records the message. So after a crash, the same
 * message is neither answered nor refused a second time. A message has one verdict (G7): it keeps
 * the stored one, even if the gateway replays the message.
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { InboundMessage, SlashCommand } from "../../core/inbound/inbound.ts";
import {
  type Accepted,
  type AcceptedBatch,
  type Claim,
  factsOf,
  type FullList,
  fullList,
  type Judged,
  type KnownFacts,
  lastOf,
  LIMIT_RULES,
  NOTHING_ACCEPTED,
  NOTHING_CHANGED,
  shareOf,
  TOLD_WITHIN_MS,
  toUnanswered,
  type UnansweredMessage,
  type UnansweredReason,
  type Verdict,
  type WaitingLimits,
  type WaitingRules,
  type WaitingTurn,
} from "../../core/inbound/inbox.ts";
import { type Overheard, termsOf, toOverheard } from "../../core/inbound/inbound.ts";
import type { Step } from "../../core/step.ts";
import { COMMIT_OPTIONS, statementsOf, type Transactions, UNNAMED } from "../database/commits.ts";
import { LATE_MS, prepareKeepGuild } from "../gateway/gateway.ts";
import { prepareAddEvents } from "../../features/hooks/store.ts";
import type { MayBegin, WaitingMessage } from "../memory/memory.ts";
import {
  isRunning,
  mayRetract,
  type Memory,
  type OpenTurn,
  readStoredMessage,
  type TurnList,
} from "../memory/memory.ts";
import {
  type OverheardKey,
  prepareKeepDirectChannel,
  prepareOverheard,
} from "../messages/messages.ts";
import type { Pruner, Retention } from "../store.ts";
import { prepareSettleEcho } from "../outbox/outbox.ts";
import { prepareUnpairedSenders, type Settled } from "../pairing/pairing.ts";
import { flag, integer, json, oneOf, optional, rows, snowflake, text } from "../schema/columns.ts";
import { OPEN_COMMAND, PROXIED_USERS_MAX, TOKEN_MS } from "../schema/messages.ts";
import type { TranscriptRows } from "../turns/turns.ts";
import {
  type ClaimRecord,
  prepareInboxRows,
  prepareInsertSteps,
  prepareKeepReactions,
} from "../turns/turns.ts";
import {
  type AppliedChanges,
  createStopTurns,
  NOTHING_APPLIED,
  prepareChanges,
  prepareStops,
} from "./changes.ts";

export function createInbox(
  transactions: Transactions,
  memory: Memory,
  pruner: Pruner,
  transcripts: TranscriptRows,
  retention: Retention,
  onRecorded: OnRecorded,
) {
  const commands = createCommands(transactions);
  const judging = prepareJudging(transactions.database, memory, retention);
  return {
    ...createAnsweredPeople(transactions),
    ...createBatches(transactions, memory, pruner, transcripts, commands, judging, onRecorded),
    ...createClaims(transactions, memory),
    ...commands,
    ...createProxiedUsers(transactions),
    ...createStopTurns(transactions, memory),
    ...createUndecided(transactions, memory, pruner, judging, onRecorded),
  };
}

export type Inbox = ReturnType<typeof createInbox>;

/** Prepares the check of waiting turns, within transactions of the caller's. */
function prepareWaitingTurns(
  database: DatabaseSync,
  { turns: { counts: turns }, apply, readTurns }: Memory,
) {
  const isInInbox = statementsOf(database)`SELECT 1 FROM inbox WHERE message_id = ?`;
  const expect = (turn: OpenTurn): void => apply({ kind: "expected", turn });

  /**
   * Checks a message that has no final verdict yet, and whether catch-up leaves it without an answer.
   *
   * @param rules Without them, every turn may wait. It counts for later ones.
   * @returns The message, refused or unchanged. `keep` stores everything else that the result needs,
   * once the verdict is new on the record. `unanswered`: why the person who wrote it gets no answer;
   * absent for bots, and if it gets one.
   */
  return (judged: Judged, rules: WaitingRules | undefined, now: number): {
    readonly judged: Judged;
    readonly keep?: () => void;
    readonly unanswered?: UnansweredReason;
  } => {
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
  };
}

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
  const limits = termsOf(message).isBehindQuestions ? halfOf(rules) : rules;
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

function prepareVerdictRows(database: DatabaseSync) {
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

interface Recorded extends Settled {
  /** Why its sender gets no answer; absent: not by this message. */
  readonly unanswered?: UnansweredReason;
}

/** Prepares everything that decides and stores verdicts, within transactions of the caller's. */
function prepareJudging(database: DatabaseSync, memory: Memory, retention: Retention) {
  const { preview, settle } = prepareUnpairedSenders(database);
  return {
    verdicts: prepareVerdictRows(database),
    previewSender: (judged: Judged, now: number): Judged =>
      isChallenged(judged) ? preview(judged, now) : judged,
    settleSender: (judged: Judged, now: number): Settled =>
      isChallenged(judged) ? settle(judged, now) : { judged },
    checkTurn: prepareWaitingTurns(database, memory),
    keep: prepareKeepJudged(database, memory, retention),
  };
}

type Judging = ReturnType<typeof prepareJudging>;

const isChallenged = ({ verdict }: Judged): boolean => verdict.kind === "challenge";

/**
 * Notes a batch's progress within a transaction of the caller's. No value ever goes back, with one
 * exception: a clock that was ahead may have set `stored_up_to` to a time in the future. A gap from
 * that time would be empty.
 */
function prepareAdvanceSession(database: DatabaseSync): (accountId: AccountId, progress: {
  /** Sequence number of the batch's last event. */
  readonly seq: number;
  /** Unix time in milliseconds of the newest message in the batch; 0 if it has none. */
  readonly storedUpTo: number;
  readonly heardAt: number;
}) => void {
  const sql = statementsOf(database);
  const advance = sql`UPDATE gateway_session
     SET seq = MAX(seq, :seq), -- MAX() of NULL is NULL: without a session no seq
         stored_up_to = IIF(:storedUpTo > 0 AND :storedUpTo < stored_up_to - ${LATE_MS},
                            :storedUpTo, MAX(stored_up_to, :storedUpTo)),
         alive_at = MAX(alive_at, :heardAt)
     WHERE account_id = :accountId`;
  return (accountId, { seq, storedUpTo, heardAt }) =>
    void advance.run({ accountId, seq, storedUpTo, heardAt });
}

function createBatches(
  { database, commit, read }: Transactions,
  memory: Memory,
  pruner: Pruner,
  transcripts: TranscriptRows,
  { addCommands }: ReturnType<typeof createCommands>,
  { verdicts, previewSender, settleSender, checkTurn, keep }: Judging,
  onRecorded: OnRecorded,
) {
  const { direct } = memory;
  const changes = prepareChanges(database, memory, transcripts);
  const stops = prepareStops(database);
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
    { judged, waiting }: AcceptedBatch,
    now: number,
  ): readonly Recorded[] {
    const recorded: Recorded[] = [];
    for (const incoming of judged) {
      const { verdict, message } = incoming;
      const isForStore = verdict.kind === "challenge" || verdict.kind === "accept";
      if (isForStore && verdicts.isOnRecord(message)) continue;
      const { judged: paired, request } = settleSender(incoming, now);
      const { judged, keep, unanswered } = checkTurn(paired, waiting, now);
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

  /** Stores a batch in the tables. */
  function store(batch: AcceptedBatch, arrivedAt: number) {
    const { accountId, heard, echoes, reactions = [], hookEvents, guilds } = batch;
    const results = recordAll(batch, arrivedAt);
    const recorded = results.map(({ judged }) => judged);
    const { waiting, accepted, undecided } = keep(recorded, arrivedAt);
    const applied = applyAll(batch, accepted, arrivedAt);
    const echoResults = echoes.map((echo) => settleEcho(accountId, echo));
    if (reactions.length > 0) keepReactions(accountId, reactions, arrivedAt);
    if (hookEvents) addEvents(hookEvents, arrivedAt);
    if (batch.commands) addCommands(batch.commands, arrivedAt);
    for (const guild of guilds) keepGuild(accountId, guild);
    if (heard !== undefined) {
      const storedUpTo = newestOf(recorded);
      advance(accountId, { seq: heard, storedUpTo, heardAt: arrivedAt });
    }
    pruner.stored(recorded.length, arrivedAt);
    const settledRows = echoResults.flatMap(({ settledIn }) => settledIn ?? []);
    const cut = new Set<string>(applied?.cut);
    return {
      ...(applied ?? NOTHING_CHANGED),
      recorded,
      waiting: waiting.filter(({ message: { id } }) => !cut.has(id)),
      applied,
      accepted: cut.size === 0 ? accepted : accepted.filter(({ message: { id } }) => !cut.has(id)),
      undecided,
      challenged: results.flatMap(({ request }) => request ?? []),
      unanswered: unansweredIn(results),
      settled: settledRows.length,
      settledIn: [...new Set(settledRows)],
      foreign: echoResults.flatMap(({ foreign }) => foreign ?? []),
    };
  }

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
      const previewed = batch.judged.some(isChallenged)
        ? await read(() => batch.judged.map((judged) => previewSender(judged, arrivedAt)))
        : batch.judged;
      const isFirst = previewed.some(isChallenged) ||
        directOf(previewed).some((message) => !direct.has(keyOf(message)));
      if (batch.waiting && memory.turns.counts.isStale) await read(memory.readTurns);
      const name = isFirst ? "FIRST_DM" : "T1";
      const removes = (batch.changes ?? []).length > 0;
      const mayCut = removes || batch.judged.some(({ stop }) => stop);
      const storing = commit(COMMIT_OPTIONS[name], () => store(batch, arrivedAt), {
        isAlone: mayCut, // so that no turn ends with the answer to another text
        removes,
        onStored({ recorded, waiting, applied }) {
          for (const message of directOf(recorded)) direct.add(keyOf(message));
          memory.accepted(waiting);
          if (applied) changes.remember(applied);
        },
      });
      const { recorded, waiting: _, applied: __, ...accepted } = await storing;
      onRecorded(recorded);
      return accepted;
    },
  };
}

function unansweredIn(
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

/** Gets the new verdicts, once they are stored. */
type OnRecorded = (recorded: readonly Judged[]) => void;

/**
 * Prepares the effects of verdicts: a message then goes to the inbox, to a channel's context, or to the
 * undecided messages.
 */
function prepareKeepJudged(
  database: DatabaseSync,
  { quiet }: Memory,
  { contextPerChannel }: Retention,
) {
  const inbox = prepareInboxRows(database);
  const overheard = prepareOverheard(database);
  const keepDirectChannel = prepareKeepDirectChannel(database);
  const keepUndecided = prepareKeepUndecided(database);
  return (recorded: readonly Judged[], now: number) => {
    for (const { key, messages } of overheardIn(recorded)) {
      quiet.kept(key);
      overheard.add(key, messages, contextPerChannel, now);
    }
    const waiting = recorded.flatMap((judged) => {
      const { message, verdict, route } = judged;
      if (verdict.kind !== "accept") return [];
      if (!route) throw new TypeError(`Cannot accept message ${message.id}: it has no route`);
      const arrival = inbox.add(message, route, now);
      return arrival === undefined ? [] : [{ judged, message, route, arrival }];
    });
    for (const message of directOf(recorded)) keepDirectChannel(message);
    const undecided = recorded.filter(({ verdict }) => verdict.kind === "undecided");
    for (const judged of undecided) keepUndecided(judged, now);
    return { waiting, accepted: waiting.map(({ judged }) => judged), undecided };
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

function directOf(judged: readonly Judged[]): readonly InboundMessage[] {
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
function prepareTakeUndecided(database: DatabaseSync) {
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
function toUndecided(row: unknown) {
  const { agentId, sessionKey, policyRow: policyId, ...undecided } = UNDECIDED.read(row);
  const route = agentId !== undefined && sessionKey !== undefined
    ? { agentId, sessionKey }
    : undefined;
  return { ...undecided, route, policyId };
}

type Undecided = ReturnType<typeof toUndecided>;

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
) {
  const inbox = prepareInboxRows(database);
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
    read(() => readStoredMessage(selectMessage.get(messageId)));

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

function keyOf({ accountId, channelId }: InboundMessage): string {
  return `${accountId} ${channelId}`;
}

/** Whether the turn of a message may begin, beside running turns of its session. */
export type Admits = (waiting: WaitingTurn, running: readonly MessageId[]) => boolean;

/** Whether the turn of a message, which an agent answers, also answers a later one. */
type Carries = (message: InboundMessage, next: InboundMessage, agentId: string) => boolean;

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
  memory: Memory,
  pruner: Pruner,
  { verdicts, settleSender, checkTurn, keep }: Judging,
  onRecorded: OnRecorded,
) {
  const select = sql`SELECT * FROM undecided WHERE account_id = ? ORDER BY id`;
  const take = prepareTakeUndecided(database);
  const takeWaiting = prepareTakeWaiting(database);
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
    const checked = checkTurn(settleSender(known, now).judged, waiting, now);
    const { judged: settled } = checked;
    verdicts.replace(settled, now);
    checked.keep?.();
    const keptAt = settled.verdict.kind === "undecided" ? at : now;
    const { waiting: waits, accepted, undecided } = keep([settled], keptAt);
    pruner.stored(1, now);
    return {
      settled,
      waits,
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
      }, { onStored: (replaced) => memory.accepted(replaced?.waits ?? []) });
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
type Unclaimed = Pick<Undecided, "message" | "at"> & Partial<Undecided>;

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
