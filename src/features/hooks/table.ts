/** Tables of what other programs tell: events of hooks, their runs and incidents (W2, W6). */

import { HOOK_EVENTS_KEPT_DAYS } from "../../core/hooks/hook.ts";
import { REMOVED_MESSAGE, stringIn } from "../../store/schema/person.ts";
import {
  account,
  type DeclaredTable,
  flag,
  IN,
  initially,
  integer,
  json,
  oneOf,
  optional,
  rowNumber,
  snowflake,
  table,
  text,
  unique,
} from "../../store/schema/columns.ts";

const OLD_EVENTS = { days: HOOK_EVENTS_KEPT_DAYS, isSlow: true } as const;

const FORGOTTEN_WORDS = { title: "", text: REMOVED_MESSAGE, post: REMOVED_MESSAGE };

export const HOOK_EVENT = table("hook_event", {
  id: rowNumber(true),
  accountId: account(),
  hook: text(),
  messageId: unique(snowflake<"message">()), // the id that its sender got
  senderId: optional(text()), // the sender's own id of it
  key: text(), // of its incident; empty without one
  title: text(),
  text: text(), // for the model
  post: text(), // for people
  isEnd: flag(),
  receivedAt: integer(),
  runId: optional(snowflake<"message">()), // absent while it waits
  sources: optional(json<readonly string[]>()), // ids of its messages and people; absent: unknown
}, {
  sql: `
    CREATE UNIQUE INDEX hook_event_sender ON hook_event (hook, sender_id)
      WHERE sender_id IS NOT NULL;
    CREATE INDEX hook_event_waiting ON hook_event (account_id, hook, key) WHERE run_id IS NULL;
    CREATE INDEX hook_event_run ON hook_event (run_id) WHERE run_id IS NOT NULL;
    CREATE INDEX hook_event_by_time ON hook_event (received_at);`,
  isOfBot: true,
  keeps: { by: "receivedAt", mayGo: "run_id IS NOT NULL", ...OLD_EVENTS },
  holds: {
    under: "Texts",
    data: "Events of other programs: title, text for the model, text for people, the sender's id",
    kept: `${HOOK_EVENTS_KEPT_DAYS} days`,
  },
  forgets: {
    change: {
      columns: ["sender_id", "title", "text", "post", "sources"],
      row(row, { sources }, scrub) {
        const known: readonly unknown[] = JSON.parse(stringIn(row, "sources") || "[]");
        const words = ["title", "text", "post"].map((column) => stringIn(row, column));
        if (!known.some((id) => sources.has(id)) && !words.some(scrub.isIn)) return undefined;
        return { ...FORGOTTEN_WORDS, sender_id: null, sources: null };
      },
    },
  },
});

/**
 * Events of a hook, or of an incident, that are answered together: by one turn, or by one post. Its id
 * is that of the first one, so a crash makes no second run.
 */
export const HOOK_RUN = table("hook_run", {
  id: rowNumber(),
  messageId: unique(snowflake<"message">()), // of its first event
  accountId: account(),
  hook: text(),
  key: text(),
  startedAt: integer(),
  count: integer(),
  /**
   * - `claimed`: nothing has left. `running`: its turn waits or runs.
   * - `done`: answered or posted. `refused`: `reason` says why.
   */
  state: oneOf("claimed", "running", "done", "refused"),
  /** Why it reached no one, or why no model answers it; absent: neither. */
  reason: optional(text()),
  incidentRow: optional(integer()),
}, {
  sql: `
    CREATE INDEX hook_run_open ON hook_run (account_id) WHERE state IN ('claimed', 'running');
    CREATE INDEX hook_run_by_time ON hook_run (account_id, started_at);`,
  isOfBot: true,
  keeps: { by: "startedAt", mayGo: "state IN ('done', 'refused')", ...OLD_EVENTS },
  holds: "hook_event",
  forgets: "ids and counts of events",
});

/** A thread for the events with one key, from its first post to its end (W6). */
export const HOOK_INCIDENT = table("hook_incident", {
  id: rowNumber(true),
  accountId: account(),
  hook: text(),
  key: text(),
  channelId: snowflake<"channel">(),
  nonce: text(), // of the first post
  messageId: optional(snowflake<"message">()), // absent until Discord has it
  title: text(), // the state to show
  events: integer(),
  isStale: initially(flag(), false), // the first post shows an older state
  /** `refused`: Discord permits no thread, so its answers are in the channel. */
  thread: initially(oneOf("none", "open", "refused"), "none"),
  startedAt: integer(),
  endedAt: optional(integer()), // absent while it goes on
  isArchived: initially(flag(), false),
}, {
  sql: `
    CREATE UNIQUE INDEX hook_incident_open ON hook_incident (account_id, hook, key)
      WHERE ended_at IS NULL;
    CREATE INDEX hook_incident_unfinished ON hook_incident (account_id)
      WHERE is_archived = 0;`,
  isOfBot: true,
  // The last events of a key are its last runs: without any, nothing happened for those days.
  keeps: {
    by: "startedAt",
    mayGo: "id NOT IN (SELECT incident_row FROM hook_run WHERE incident_row IS NOT NULL)",
    ...OLD_EVENTS,
  },
  holds: {
    under: "Texts",
    data: "Threads of incidents: key, title, channel, number of events",
    kept: `${HOOK_EVENTS_KEPT_DAYS} days after the last event`,
  },
  forgets: {
    set: [{
      where: `id IN (SELECT incident_row FROM hook_run WHERE ${IN("message_id", "messages")})`,
      to: `title = '${REMOVED_MESSAGE}'`,
    }],
    scrub: ["title"],
  },
});

/** Parts are forgotten after the rows that they belong to. */
export const HOOK_TABLES: readonly DeclaredTable[] = [HOOK_EVENT, HOOK_RUN, HOOK_INCIDENT];
