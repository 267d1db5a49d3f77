/**
 * The tables of the store, one file for each topic, in the order of their creation.
 *
 * Times are Unix time in milliseconds, ids are Discord's as text, flags are 0 or
 * 1. A transaction of the way that every answered message takes is one row of the
 * journal first, and many of them together change the tables a moment later
 * (`database/commits.ts`).
 *
 * @module
 */

import { GATEWAY } from "./gateway.ts";
import { JOURNAL } from "./journal.ts";
import { JUDGED } from "./judged.ts";
import { OUTBOX } from "./outbox.ts";
import { PAIRING } from "./pairing.ts";
import { RECEIVED } from "./received.ts";

/** A released schema never changes: a later one is a migration of its own. */
export const SCHEMA_1 = [GATEWAY, JOURNAL, RECEIVED, JUDGED, PAIRING, OUTBOX].join("");
