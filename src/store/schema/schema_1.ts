/**
 * The tables of the store, one file for each topic.
 *
 * Times are Unix time in milliseconds, ids are Discord's as text, flags are 0 or 1. The
 * transactions of an answered message are rows of the journal first. Many of them together change
 * the tables a moment later (`database/commits.ts`).
 */

import { CHANGE_TABLES } from "./changes.ts";
import { GATEWAY_TABLES } from "./gateway.ts";
import { JUDGED } from "./judged.ts";
import { NOTE_TABLES, NOTE_WORDS } from "./notes.ts";
import { OUTBOX } from "./outbox.ts";
import { PAIRING_TABLES } from "./pairing.ts";
import { QUESTION_TABLES } from "./questions.ts";
import { REACTIONS, RECEIVED } from "./received.ts";
import { SCHEDULE_TABLES } from "./schedules.ts";
import { SETTING_TABLES } from "./settings.ts";
import type { DeclaredTable } from "./columns.ts";
import { THREAD_TABLES } from "./threads.ts";
import { USAGE_TABLES } from "./usage.ts";

/** SQL for the first journal, before schema 2 made it a ring. */
const JOURNAL_1 = `
  CREATE TABLE journal (
    id         INTEGER PRIMARY KEY, -- in the order of storing
    kind       TEXT NOT NULL, -- name of the code that does the work
    record     TEXT NOT NULL, -- JSON
    is_refused INTEGER NOT NULL DEFAULT 0 -- 1: the tables refused it; kept for the operator
  ) STRICT;
`;

/** The declared tables. */
export const DECLARED: readonly DeclaredTable[] = [
  ...GATEWAY_TABLES,
  ...USAGE_TABLES,
  ...THREAD_TABLES,
  ...SCHEDULE_TABLES,
  ...CHANGE_TABLES,
  ...QUESTION_TABLES,
  ...NOTE_TABLES,
  ...PAIRING_TABLES,
  ...SETTING_TABLES,
];

/**
 * SQL that creates all tables, indexes and views of schema 1.
 *
 * A released schema never changes: a later one is a migration of its own.
 */
export const SCHEMA_1: string = [
  JOURNAL_1,
  RECEIVED,
  JUDGED,
  OUTBOX,
  REACTIONS,
  ...DECLARED.map(({ ddl }) => ddl),
  NOTE_WORDS,
].join("");
