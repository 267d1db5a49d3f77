/** The tables of what other programs tell: feeds and their entries (T15), and events of hooks (W2, W6). */

import {
  account,
  type DeclaredTable,
  flag,
  initially,
  integer,
  oneOf,
  optional,
  rowNumber,
  snowflake,
  table,
  text,
  unique,
} from "./columns.ts";

/** A feed of the config, as the last poll left it. */
export const FEED = table("feed", {
  id: rowNumber(true), // entries name it, and outlast it
  accountId: account(),
  name: text(),
  url: text(), // of another one, all entries are old
  etag: optional(text()),
  lastModified: optional(text()),
  nextAt: integer(),
  readAt: optional(integer()), // the last poll that succeeded
  failures: initially(integer(), 0),
  problem: optional(text()),
}, {
  unique: ["accountId", "name"],
  isOfBot: true,
  forgets: "names and addresses of the config",
});

/** An entry that the bot has seen: it is never posted again. */
export const FEED_ENTRY = table("feed_entry", {
  feedRow: integer(),
  entryKey: text(), // a digest
  seenAt: integer(), // when the feed last had it
}, {
  key: ["feedRow", "entryKey"],
  forgets: "digests of entries of public feeds",
});

/** The tables of feeds. */
export const FEED_TABLES: readonly DeclaredTable[] = [FEED, FEED_ENTRY];

/** An event of another program. */
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
}, {
  sql: `
    CREATE UNIQUE INDEX hook_event_sender ON hook_event (hook, sender_id)
      WHERE sender_id IS NOT NULL;
    CREATE INDEX hook_event_waiting ON hook_event (account_id, hook, key) WHERE run_id IS NULL;
    CREATE INDEX hook_event_run ON hook_event (run_id) WHERE run_id IS NOT NULL;
    CREATE INDEX hook_event_by_time ON hook_event (received_at);`,
  isOfBot: true,
  forgets: { scrub: ["title", "text", "post"] },
});

/** Events that are answered together. */
export const HOOK_RUN = table("hook_run", {
  id: rowNumber(),
  messageId: unique(snowflake<"message">()), // of its first event
  accountId: account(),
  hook: text(),
  key: text(),
  startedAt: integer(),
  count: integer(),
  state: oneOf("claimed", "running", "done", "refused"),
  reason: optional(text()), // why it is refused, or why no model answered
  incidentRow: optional(integer()),
}, {
  sql: `
    CREATE INDEX hook_run_open ON hook_run (account_id) WHERE state IN ('claimed', 'running');
    CREATE INDEX hook_run_by_time ON hook_run (account_id, started_at);`,
  isOfBot: true,
  forgets: "ids and counts of events",
});

/** A thread for the events with one key. */
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
  forgets: { scrub: ["title"] },
});

/** The tables of hooks. */
export const HOOK_TABLES: readonly DeclaredTable[] = [HOOK_EVENT, HOOK_RUN, HOOK_INCIDENT];
