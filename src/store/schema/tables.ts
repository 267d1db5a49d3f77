/**
 * Lists all tables of the store: the schema, the rules of forgetting and those of retention are views
 * of this list.
 *
 * Times are Unix time in milliseconds, ids are Discord's as text, flags are 0 or 1. */

import { FEATURES } from "../../features/features.ts";
import { AGENT_TABLES, BOT_TABLES } from "./agent.ts";
import type { DeclaredTable } from "./columns.ts";
import { JUDGED_TABLES, MESSAGE_TABLES } from "./messages.ts";
import { OUTBOX_TABLES } from "./outbox.ts";
import { PEOPLE_TABLES } from "./person.ts";

/** All tables, in the order in which they are created, and in which a person is forgotten. */
export const TABLES: readonly DeclaredTable[] = [
  ...BOT_TABLES,
  ...MESSAGE_TABLES,
  ...AGENT_TABLES,
  ...FEATURES.flatMap(({ tables = [] }) => tables),
  ...PEOPLE_TABLES,
  ...JUDGED_TABLES,
  ...OUTBOX_TABLES,
];
