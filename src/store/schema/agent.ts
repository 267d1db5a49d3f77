/**
 * Tables of what the agent does by itself: changes, and events of hooks.
 */

import type { UndoSteps } from "../../core/turn/discord_place.ts";
import {
  account,
  type DeclaredTable,
  integer,
  json,
  optional,
  rowNumber,
  snowflake,
  table,
  text,
  unique,
} from "./columns.ts";
import { DAY_MS } from "../../lib/clock.ts";

// The tables of destructive actions of tools, and of messages that tools posted (T3).

/** Milliseconds for which a row is kept: longer than the longest turn. */
export const CHANGES_KEPT_MS = 2 * DAY_MS;

/** A change. Its row is there before the change is made. */
export const DISCORD_CHANGE = table("discord_change", {
  id: rowNumber(true), // people name changes by it
  accountId: account(),
  callKey: unique(text()), // of the call that made it
  turnId: snowflake<"message">(), // message of the turn, which bounds their number
  askerId: snowflake<"user">(),
  guildId: optional(snowflake<"guild">()), // absent in direct messages
  channelId: optional(snowflake<"channel">()), // absent for a change of the whole guild
  what: text(), // its effect, as the end of "would"
  undo: optional(json<UndoSteps>()), // absent if it cannot be taken back
  madeAt: integer(),
  undoneAt: optional(integer()),
  undoneBy: optional(text()), // the call that took it back, which a crash may repeat
}, {
  sql: `
    CREATE INDEX discord_change_of_turn ON discord_change (account_id, turn_id);
    CREATE INDEX discord_change_by_time ON discord_change (account_id, made_at);`,
  isOfBot: true,
  holds: {
    under: "People",
    data: "Changes on Discord, with the way to take them back: person, place, names",
    kept: `${CHANGES_KEPT_MS / DAY_MS} days`,
  },
  forgets: { delete: "asker_id = :userId", scrub: ["what", "undo"] },
});

/** The columns that are a `MadeChange`. */
export const STORED_CHANGE = DISCORD_CHANGE.pick(
  "id",
  "accountId",
  "callKey",
  "turnId",
  "askerId",
  "guildId",
  "channelId",
  "what",
  "undo",
  "madeAt",
  "undoneAt",
  "undoneBy",
);

/** Milliseconds for which a posted message is kept: longer than the longest poll, of 32 days. */
export const POSTS_KEPT_MS = 60 * DAY_MS;

/** A message of the bot that is no row of the outbox, such as a poll. */
export const DISCORD_POST = table("discord_post", {
  accountId: account(),
  messageId: snowflake<"message">(),
  askerId: snowflake<"user">(), // whose message it is to change
  postedAt: integer(),
}, {
  key: ["accountId", "messageId"],
  sql: "CREATE INDEX discord_post_by_time ON discord_post (account_id, posted_at);",
  isOfBot: true,
  holds: {
    under: "People",
    data: "Polls and other posts of tools: message ID, and the ID of the person who asked",
    kept: `${POSTS_KEPT_MS / DAY_MS} days`,
  },
  forgets: { delete: "asker_id = :userId" },
});

/** The tables of this file. Parts are forgotten after the rows that they belong to. */
export const AGENT_TABLES: readonly DeclaredTable[] = [
  DISCORD_CHANGE,
  DISCORD_POST,
];
