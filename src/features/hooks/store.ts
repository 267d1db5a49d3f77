/**
 * `store.hooks`: events of other programs, and the runs that answer them (W2).
 *
 * An event is on the disk before its sender gets an answer. A run takes its events in one transaction,
 * and its id is that of its first event. So a crash between an event and its turn loses and repeats
 * nothing.
 */

import type { DatabaseSync } from "node:sqlite";
import {
  type AccountId,
  type ChannelId,
  type MessageId,
  snowflakeAt,
} from "../../core/discord/ids.ts";
import {
  HOOK_WAITING_MAX,
  type HookEvent,
  type NewHookEvent,
  type NumberedEvent,
  type StoredHookEvent,
} from "../../core/hooks/hook.ts";
import { threadIdOf } from "../../core/outbound/outbound.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS, statementsOf, UNNAMED } from "../../store/database/commits.ts";
import type { Transactions } from "../../store/database/commits.ts";
import { prepareAddOnce } from "../../store/outbox/outbox.ts";
import { HOOK_EVENT, HOOK_INCIDENT, HOOK_RUN } from "./table.ts";
import {
  account,
  COUNT,
  integer,
  optional,
  rows,
  snowflake,
  text,
} from "../../store/schema/columns.ts";
import { IS_PARKED } from "../../store/schema/person.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";

export type HookRun = ReturnType<typeof HOOK_RUN.read>;

export type HookIncident = ReturnType<typeof HOOK_INCIDENT.read>;

const KNOWN = rows({ messageId: snowflake<"message">() });
const TIMES = { oldest: integer(), newest: integer() };
const WAITING = rows({ hook: text(), key: text(), count: integer(), ...TIMES });

export type WaitingEvents = ReturnType<typeof WAITING.read>;

const OF = rows({ accountId: account() });
const START = rows({ hook: text(), key: text(), at: integer(), state: text() });

export type RunStart = ReturnType<typeof START.read>;

const readEvent = (row: unknown): HookEvent => HOOK_EVENT.read(row);

export function createHooks(transactions: Transactions) {
  const { database, sql, commit, read } = transactions;
  const addOnce = prepareAddOnce(database);
  const known = sql`SELECT message_id FROM hook_event WHERE hook = ? AND sender_id = ?`;
  const countWaiting = sql.rows(COUNT.read)`SELECT COUNT(*) AS count FROM hook_event
     WHERE account_id = ? AND hook = ? AND run_id IS NULL`;
  const insert = HOOK_EVENT.prepareInsert(database);
  const addEvents = prepareAddEvents(database);
  const selectWaiting = sql`SELECT hook, key, COUNT(*) AS count, MIN(received_at) AS oldest,
       MAX(received_at) AS newest FROM hook_event
     WHERE account_id = ? AND run_id IS NULL GROUP BY hook, key ORDER BY MIN(id)`;
  const selectStarts = sql.rows(START.read)`
    SELECT hook, key, started_at AS at, state FROM hook_run WHERE account_id = ? AND started_at > ?`;
  const selectFirst = sql`
    SELECT * FROM hook_event WHERE account_id = ? AND hook = ? AND key = ? AND run_id IS NULL
    ORDER BY id LIMIT 1`;
  const take = sql`UPDATE hook_event SET run_id = :runId
     WHERE account_id = :accountId AND hook = :hook AND key = :key AND run_id IS NULL`;
  const selectTaken = sql`SELECT 1 FROM inbox WHERE message_id = ?`;
  const insertRun = HOOK_RUN.prepareInsert(database, "RETURNING *");
  /** A turn that waits for a person does not keep later events waiting. */
  const settle = sql`UPDATE hook_run SET state = 'done'
     WHERE account_id = ? AND state = 'running' AND NOT EXISTS (
       SELECT 1 FROM inbox WHERE inbox.message_id = hook_run.message_id
         AND inbox.finished_at IS NULL AND NOT ${IS_PARKED})`;
  const selectOpen = sql.rows(HOOK_RUN.read)`
    SELECT * FROM hook_run WHERE account_id = ? AND state IN ('claimed', 'running') ORDER BY id`;
  const selectEvents = sql.rows(readEvent)`
    SELECT * FROM (SELECT * FROM hook_event WHERE run_id = ? ORDER BY id DESC LIMIT ?) ORDER BY id`;
  /** A pause may have ended the turn before. */
  const setRunning = sql`UPDATE hook_run SET state = 'running'
     WHERE message_id = ? AND state = 'claimed' AND reason IS NULL`;
  const setState = sql`UPDATE hook_run SET state = :state, reason = :reason
     WHERE message_id = :runId AND state IN ('claimed', 'running')`;
  const selectEvent = sql`SELECT * FROM hook_event WHERE message_id = ?`;
  const selectAbout = sql`SELECT * FROM hook_event
     WHERE hook LIKE 'on:%' AND sender_id LIKE '%' || ? || '%' ORDER BY id DESC LIMIT 1`;
  const selectRun = sql`SELECT * FROM hook_run WHERE message_id = ?`;

  const selectUnanswered = sql.rows(OF.read)`
    SELECT DISTINCT account_id FROM hook_event WHERE run_id IS NULL
    UNION SELECT account_id FROM hook_run WHERE state IN ('claimed', 'running')`;
  const refuseRuns = sql`UPDATE hook_run SET state = 'refused', reason = :reason
     WHERE account_id = :accountId AND state IN ('claimed', 'running')`;

  const unanswered = () => selectUnanswered.all().map(({ accountId }) => accountId);

  /** Takes all waiting events of a key for one run, within a transaction of the caller's. */
  function claim(
    accountId: AccountId,
    hook: string,
    key: string,
    now: number,
  ): HookRun | undefined {
    const first = selectFirst.get(accountId, hook, key);
    if (!first) return undefined;
    const { messageId } = readEvent(first);
    const count = Number(take.run({ accountId, hook, key, runId: messageId }).changes);
    return HOOK_RUN.read(
      insertRun({ messageId, accountId, hook, key, startedAt: now, count, state: "claimed" }),
    );
  }

  /** @returns Number of its events. */
  function refuseAll(accountId: AccountId, now: number): number {
    for (const row of selectWaiting.all(accountId)) {
      const { hook, key } = WAITING.read(row);
      claim(accountId, hook, key, now);
    }
    const open = selectOpen.all(accountId);
    const reason = `the config does not have the account ${quoted(accountId)} any more`;
    refuseRuns.run({ accountId, reason });
    return open.reduce((sum, { count }) => sum + count, 0);
  }

  return {
    ...createIncidents(transactions),
    /**
     * Stores an event on the disk, once for each id of its sender.
     *
     * @param number Random, of 22 bits: tells events of the same millisecond apart.
     * @returns `undefined` if too many events of the hook wait.
     */
    accept(event: NewHookEvent, now: number, number: number): Promise<StoredHookEvent | undefined> {
      const { accountId, hook, senderId } = event;
      return commit(COMMIT_OPTIONS.BY_HAND, () => {
        const row = senderId === undefined ? undefined : known.get(hook, senderId);
        if (row) return { messageId: KNOWN.read(row).messageId, isRepeated: true };
        if (countWaiting.one(accountId, hook).count >= HOOK_WAITING_MAX) {
          return undefined;
        }
        const messageId = snowflakeAt<"message">(now, number);
        insert({ ...event, messageId, receivedAt: now });
        return { messageId, isRepeated: false };
      });
    },
    /** Stores events, each once. */
    add: (events: readonly NumberedEvent[], now: number) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => addEvents(events, now)),
    /** Events of an account that wait, by hook and key; the oldest first. */
    waiting: (accountId: AccountId): Promise<readonly WaitingEvents[]> =>
      read(() => selectWaiting.all(accountId).map(WAITING.read)),
    /** When runs of an account began since a time, by hook and key. */
    startsSince: (accountId: AccountId, since: number): Promise<readonly RunStart[]> =>
      read(() => selectStarts.all(accountId, since)),
    /** Takes all waiting events of a hook and key for one run; `undefined` if none waits. */
    claim: (
      accountId: AccountId,
      hook: string,
      key: string,
      now: number,
    ): Promise<HookRun | undefined> => commit(UNNAMED, () => claim(accountId, hook, key, now)),
    /** Whether an account has events that no one has answered. */
    hasOpen: (accountId: AccountId) => read(() => unanswered().includes(accountId)),
    /**
     * Refuses events of accounts that the config does not have any more: no runner would.
     *
     * @param known The accounts of the config.
     * @returns Number of refused events.
     */
    async refuseOthers(known: readonly AccountId[], now: number) {
      const gone = (await read(unanswered)).filter((accountId) => !known.includes(accountId));
      if (gone.length === 0) return 0;
      return await commit(
        UNNAMED,
        () => gone.reduce((sum, accountId) => sum + refuseAll(accountId, now), 0),
      );
    },
    /** Runs that have not ended. A run whose turn has ended is none of them. */
    open: (accountId: AccountId): Promise<readonly HookRun[]> =>
      commit(UNNAMED, () => {
        settle.run(accountId);
        return selectOpen.all(accountId);
      }),
    /** Whether a message of Discord has a turn of its own. */
    isTaken: (messageId: MessageId): Promise<boolean> =>
      read(() => selectTaken.get(messageId) !== undefined),
    /** The newest events of a run, in their order. */
    eventsOf: (runId: MessageId, limit: number): Promise<readonly HookEvent[]> =>
      read(() => selectEvents.all(runId, limit)),
    running: async (runId: MessageId) => {
      await commit(UNNAMED, () => setRunning.run(runId));
    },
    /** Ends a run with messages of its own. A repetition changes nothing. */
    post: (
      runId: MessageId,
      messages: readonly Frozen[],
      reason: string | undefined,
      now: number,
    ) =>
      commit(UNNAMED, () => {
        for (const message of messages) addOnce(message, now);
        setState.run({ runId, state: "done", reason: reason ?? null });
      }),
    /** Ends a run that reaches no one. */
    refuse: async (runId: MessageId, reason: string) => {
      await commit(UNNAMED, () => setState.run({ runId, state: "refused", reason }));
    },
    /**
     * The event with an id, and its run; `undefined` if there is none.
     *
     * @param isAbout Whether the id is that of a member, thread or message of a server's event (W7).
     */
    find: (messageId: MessageId, isAbout?: boolean): Promise<FoundEvent | undefined> =>
      read(() => {
        const row = isAbout ? selectAbout.get(messageId) : selectEvent.get(messageId);
        if (!row) return undefined;
        const event = readEvent(row);
        const run = event.runId === undefined ? undefined : selectRun.get(event.runId);
        return { event, run: run && HOOK_RUN.read(run) };
      }),
  };
}

/**
 * Prepares the storage of events within a transaction of the caller's: each once, if it may wait. Of a
 * hook, the newest stay, so a flood does not fill the disk.
 */
export function prepareAddEvents(database: DatabaseSync) {
  const countWaiting = statementsOf(database).rows(COUNT.read)`
    SELECT COUNT(*) AS count FROM hook_event
     WHERE account_id = ? AND hook = ? AND run_id IS NULL`;
  const insert = HOOK_EVENT.prepareInsert(database, "ON CONFLICT DO NOTHING");
  const prune = statementsOf(database)`
    DELETE FROM hook_event WHERE hook = :hook AND run_id IS NOT NULL AND id <=
      (SELECT id FROM hook_event WHERE hook = :hook ORDER BY id DESC LIMIT 1 OFFSET :most)`;
  return (events: readonly NumberedEvent[], now: number): void => {
    const waiting = new Map<string, number>();
    for (const event of events) {
      const { accountId, hook } = event;
      const count = waiting.get(hook) ?? countWaiting.one(accountId, hook).count;
      waiting.set(hook, count + 1);
      if (count < HOOK_WAITING_MAX) insert({ ...event, receivedAt: now });
    }
    for (const hook of waiting.keys()) prune.run({ hook, most: HOOK_WAITING_MAX });
  };
}

const POSTED = rows({ messageId: optional(snowflake<"message">()), state: text() });

/** Stores incidents of hooks: threads for the events with one key (W6). A long list of methods. */
function createIncidents({ database, sql, commit, read }: Transactions) {
  const addOnce = prepareAddOnce(database);
  const byId = sql.rows(HOOK_INCIDENT.read)`SELECT * FROM hook_incident WHERE id = ?`;
  const openByKey = sql`SELECT * FROM hook_incident
     WHERE account_id = ? AND hook = ? AND key = ? AND ended_at IS NULL`;
  const runOf = sql.rows(HOOK_RUN.read)`SELECT * FROM hook_run WHERE message_id = ?`;
  const insert = HOOK_INCIDENT.prepareInsert(database, "RETURNING *");
  const update = sql`
    UPDATE hook_incident SET title = :title, events = events + :count, is_stale = 1,
      ended_at = :endedAt WHERE id = :id RETURNING *`;
  const join = sql`UPDATE hook_run SET incident_row = ? WHERE message_id = ?`;
  const selectPost = sql`SELECT message_id, state FROM outbox WHERE account_id = ? AND nonce = ?`;
  const note = sql`UPDATE hook_incident SET message_id = COALESCE(:messageId, message_id),
       thread = COALESCE(:thread, thread), is_archived = COALESCE(:isArchived, is_archived)
     WHERE id = :id`;
  const abandon = sql`UPDATE hook_incident SET ended_at = COALESCE(ended_at, :now), is_stale = 1,
       is_archived = :isLost, events = events - (SELECT COALESCE(SUM(count), 0) FROM hook_run
         WHERE incident_row = :id AND state = 'claimed')
     WHERE id = :id`;
  const leave = sql`
    UPDATE hook_run SET incident_row = NULL WHERE incident_row = ? AND state = 'claimed'`;
  const noteShown = sql`UPDATE hook_incident SET is_stale = 0 WHERE id = ? AND events = ?`;
  const selectUnfinished = sql.rows(HOOK_INCIDENT.read)`
    SELECT * FROM hook_incident WHERE account_id = ? AND is_archived = 0
      AND (is_stale = 1 OR ended_at IS NOT NULL) ORDER BY id`;
  const selectWork = sql`SELECT 1 WHERE EXISTS (
       SELECT 1 FROM hook_run WHERE account_id = :accountId AND incident_row = :id
         AND state IN ('claimed', 'running'))
     OR EXISTS (
       SELECT 1 FROM outbox WHERE account_id = :accountId AND channel_id = :threadId
         AND state IN ('pending', 'sending'))`;

  return {
    /**
     * Adds a run to the incident of its key, or begins one with its first post. A repetition changes
     * nothing.
     *
     * @returns `undefined` if the run ends an incident that never was.
     */
    joinIncident(
      run: HookRun,
      { channelId, title, isEnd, compose }: {
        readonly channelId: ChannelId;
        readonly title: string;
        readonly isEnd: boolean;
        /** Makes the first post. */
        readonly compose: (
          incident: Pick<HookIncident, "title" | "events" | "startedAt">,
        ) => Frozen;
      },
      now: number,
    ): Promise<HookIncident | undefined> {
      const { messageId, accountId, hook, key, count } = run;
      return commit(UNNAMED, () => {
        const joined = runOf.get(messageId)?.incidentRow;
        if (joined !== undefined) {
          return byId.get(joined);
        }
        const open = openByKey.get(accountId, hook, key);
        if (!open && isEnd) return undefined;
        const begun = { title, events: count, startedAt: now };
        const row = open
          ? update.get({
            id: HOOK_INCIDENT.read(open).id,
            title,
            count,
            endedAt: isEnd ? now : null,
          })
          : insert({ ...begun, accountId, hook, key, channelId, nonce: nonceIn(compose(begun)) });
        if (!open) addOnce(compose(begun), now);
        const incident = HOOK_INCIDENT.read(row);
        join.run(incident.id, messageId);
        return incident;
      });
    },
    /** The first post of an incident at Discord. `lost`: Discord has not taken it. */
    firstPost: (
      { accountId, nonce, messageId: known }: HookIncident,
    ): Promise<MessageId | "waiting" | "lost"> =>
      read(() => {
        if (known !== undefined) return known;
        const row = selectPost.get(accountId, nonce);
        if (!row) return "lost";
        const { messageId, state } = POSTED.read(row);
        if (state === "pending" || state === "sending") return "waiting";
        return state === "sent" && messageId ? messageId : "lost";
      }),
    noteIncident: async (
      id: number,
      { messageId, thread, isArchived }: Partial<
        Pick<HookIncident, "messageId" | "thread" | "isArchived">
      >,
    ) => {
      await commit(UNNAMED, () =>
        note.run({
          id,
          messageId: messageId ?? null,
          thread: thread ?? null,
          isArchived: isArchived === undefined ? null : Number(isArchived),
        }));
    },
    /**
     * Ends an incident whose first post or thread Discord does not have: the next event of its key begins
     * another one. A run that has not begun is no part of it any more.
     * Its first post then shows the end, unless that `isLost`.
     */
    abandonIncident: async (id: number, isLost: boolean, now: number) => {
      await commit(UNNAMED, () => {
        abandon.run({ id, isLost: Number(isLost), now });
        leave.run(id);
      });
    },
    /** The first post shows the state of so many events. */
    noteShown: async (id: number, events: number) => {
      await commit(UNNAMED, () => noteShown.run(id, events));
    },
    /** Incidents whose first post is old, or that have ended and are not archived. */
    unfinished: (accountId: AccountId): Promise<readonly HookIncident[]> =>
      read(() => selectUnfinished.all(accountId)),
    /** Whether answers of an incident are still to come or to be sent. */
    hasOpenWork: ({ id, accountId, messageId }: HookIncident) =>
      read(() => {
        const threadId = messageId === undefined ? "" : threadIdOf(messageId);
        return selectWork.get({ id, accountId, threadId }) !== undefined;
      }),
  };
}

function nonceIn({ message: { nonce } }: { readonly message: { readonly nonce: string } }): string {
  return nonce;
}

export interface FoundEvent {
  readonly event: HookEvent;
  /** Absent while it waits. */
  readonly run?: HookRun;
}
