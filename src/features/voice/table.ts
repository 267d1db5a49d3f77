/** Tables of calls in voice channels, and of people's words about being heard there (V3). */

import {
  account,
  type DeclaredTable,
  flag,
  integer,
  key,
  oneOf,
  optional,
  snowflake,
  table,
  text,
} from "../../store/schema/columns.ts";

/** The call of a guild. A guild has one at most, over all accounts. */
export const VOICE_CALL = table("voice_call", {
  guildId: key(snowflake<"guild">()),
  accountId: account(),
  channelId: snowflake<"channel">(),
  callId: text(),
  terms: text(), // digest of where speech goes and what is kept
  begunBy: oneOf("asked", "autoJoin", "follow"),
  userId: optional(snowflake<"user">()), // who asked, or is followed
  toldIn: optional(snowflake<"channel">()), // where they asked
  isOver: flag(), // true: it was ended, and must not begin by itself while people are there
  at: integer(),
}, {
  isOfBot: true,
  holds: {
    under: "Servers and operation",
    data: "Calls in voice channels: server and channel, and the ID of the person who called",
    kept: "until the call ends, and people have left its channel",
  },
  forgets: { set: [{ where: "user_id = :userId", to: "user_id = NULL" }] },
});

/** A person's word about being heard in a guild. */
export const VOICE_CHOICE = table("voice_choice", {
  accountId: account(),
  guildId: snowflake<"guild">(),
  userId: snowflake<"user">(),
  choice: oneOf("asked", "heard", "deaf"),
  callId: text(), // in which it was said; "deaf" outlives it
  at: integer(),
}, {
  key: ["accountId", "guildId", "userId"],
  isOfBot: true,
  holds: {
    under: "People",
    data: "Choices about being heard in voice channels: user and server ID, and time",
    kept: "until the call ends; a `/deafen me`, until the person presses **Hear me**",
  },
  forgets: { delete: "user_id = :userId" },
});

export const VOICE_TABLES: readonly DeclaredTable[] = [VOICE_CALL, VOICE_CHOICE];
