/** The tables of feeds and of their entries that the bot has seen (T15). */

import {
  account,
  type DeclaredTable,
  initially,
  integer,
  optional,
  rowNumber,
  table,
  text,
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

/** The tables of this topic. */
export const FEED_TABLES: readonly DeclaredTable[] = [FEED, FEED_ENTRY];
