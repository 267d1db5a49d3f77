/** The tables of destructive actions of tools, and of messages that tools posted (T3). */

import type { UndoSteps } from "../../core/turn/ports/discord_place.ts";
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

/** A change. Its row is there before the change is made. */
export const DISCORD_CHANGE = table("discord_change", {
  id: rowNumber(true), // people name changes by it
  accountId: account(),
  callKey: unique(text()), // of the call that made it
  turnId: snowflake<"message">(), // message of the turn, which bounds their number
  askerId: snowflake<"user">(),
  guildId: optional(snowflake<"guild">()), // absent in direct messages
  channelId: optional(snowflake<"channel">()), // absent for a change of the whole guild
  what: text(),
  undo: optional(json<UndoSteps>()), // absent if it cannot be taken back
  madeAt: integer(),
  undoneAt: optional(integer()),
  undoneBy: optional(text()), // the call that took it back, which a crash may repeat
}, {
  sql: `
    CREATE INDEX discord_change_of_turn ON discord_change (account_id, turn_id);
    CREATE INDEX discord_change_by_time ON discord_change (account_id, made_at);`,
  isOfBot: true,
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
  "undoneAt",
  "undoneBy",
);

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
  forgets: { delete: "asker_id = :userId" },
});

/** The tables of this topic. */
export const CHANGE_TABLES: readonly DeclaredTable[] = [DISCORD_CHANGE, DISCORD_POST];
