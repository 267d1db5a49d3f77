/**
 * The tables of the store, one file for each topic.
 *
 * Times are Unix time in milliseconds, ids are Discord's as text, flags are 0 or 1. The
 * transactions of an answered message are rows of the journal first. Many of them together change
 * the tables a moment later (`database/commits.ts`).
 *
 * @module
 */

import { DISCORD_CHANGE, DISCORD_POST } from "./changes.ts";
import { ACCOUNT, DIRECT_CHANNEL, GATEWAY_SESSION, GUILD, IDENTIFY, RUN } from "./gateway.ts";
import { JUDGED } from "./judged.ts";
import { NOTE, NOTE_SOURCE, NOTE_VECTOR, NOTE_WORDS } from "./notes.ts";
import { OUTBOX } from "./outbox.ts";
import { ASKED_GUILD, PAIRED, PAIRING_GUESS, PAIRING_REQUEST, RESOLVED_NAME } from "./pairing.ts";
import {
  EXEC_RULE,
  QUESTION,
  QUESTION_CARD,
  QUESTION_CONTROL,
  QUESTION_COVER,
} from "./questions.ts";
import { REACTIONS, RECEIVED } from "./received.ts";
import { SCHEDULE, SCHEDULE_RUN } from "./schedules.ts";
import { SETTING } from "./settings.ts";
import type { DeclaredTable } from "./table.ts";
import { ANSWER_THREAD } from "./threads.ts";
import { TOLD_BUDGET, TOLD_PROBLEM, USAGE } from "./usage.ts";

/** SQL for the journal in front of all other tables (`database/journal.ts`). */
export const JOURNAL = `
  CREATE TABLE journal (
    id         INTEGER PRIMARY KEY, -- in the order of storing
    kind       TEXT NOT NULL, -- name of the code that does the work
    record     TEXT NOT NULL, -- JSON
    is_refused INTEGER NOT NULL DEFAULT 0 -- 1: the tables refused it; kept for the operator
  ) STRICT;
`;

/** The declared tables. */
export const DECLARED: readonly DeclaredTable[] = [
  ACCOUNT,
  GATEWAY_SESSION,
  IDENTIFY,
  GUILD,
  DIRECT_CHANNEL,
  RUN,
  USAGE,
  TOLD_BUDGET,
  TOLD_PROBLEM,
  ANSWER_THREAD,
  SCHEDULE_RUN,
  SCHEDULE,
  DISCORD_CHANGE,
  DISCORD_POST,
  QUESTION,
  EXEC_RULE,
  QUESTION_COVER,
  QUESTION_CARD,
  QUESTION_CONTROL,
  NOTE,
  NOTE_SOURCE,
  NOTE_VECTOR,
  RESOLVED_NAME,
  PAIRING_REQUEST,
  ASKED_GUILD,
  PAIRED,
  PAIRING_GUESS,
  SETTING,
];

/**
 * SQL that creates all tables, indexes and views of schema 1.
 *
 * A released schema never changes: a later one is a migration of its own.
 */
export const SCHEMA_1: string = [
  JOURNAL,
  RECEIVED,
  JUDGED,
  OUTBOX,
  REACTIONS,
  ...DECLARED.map(({ ddl }) => ddl),
  NOTE_WORDS,
].join("");
