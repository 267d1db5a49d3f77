/**
 * The tables of the store, one file for each topic, in the order of their creation.
 *
 * Times are Unix time in milliseconds, ids are Discord's as text, flags are 0 or 1. The
 * transactions of an answered message are rows of the journal first. Many of them together change
 * the tables a moment later (`database/commits.ts`).
 *
 * @module
 */

import { CHANGES } from "./changes.ts";
import { GATEWAY } from "./gateway.ts";
import { JOURNAL } from "./journal.ts";
import { JUDGED } from "./judged.ts";
import { NOTES } from "./notes.ts";
import { OUTBOX } from "./outbox.ts";
import { PAIRING } from "./pairing.ts";
import { QUESTIONS } from "./questions.ts";
import { REACTIONS } from "./reactions.ts";
import { SETTINGS } from "./settings.ts";
import { THREADS } from "./threads.ts";
import { RECEIVED } from "./received.ts";
import { USAGE } from "./usage.ts";
import { SCHEDULES } from "./schedules.ts";

/**
 * SQL that creates all tables, indexes and views of schema 1.
 *
 * A released schema never changes: a later one is a migration of its own.
 */
export const SCHEMA_1: string = [
  GATEWAY,
  JOURNAL,
  RECEIVED,
  JUDGED,
  PAIRING,
  OUTBOX,
  REACTIONS,
  THREADS,
  SCHEDULES,
  QUESTIONS,
  NOTES,
  USAGE,
  CHANGES,
  SETTINGS,
].join("");
