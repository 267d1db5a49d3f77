/**
 * Tables of the accounts: gateway sessions, IDENTIFYs, guilds and direct channels, and the runs of
 * the process.
 */

import {
  account,
  type DeclaredTable,
  flag,
  IN,
  initially,
  integer,
  key,
  optional,
  rowNumber,
  snowflake,
  table,
  text,
  unique,
} from "./columns.ts";

/** An account of the bot. */
export const ACCOUNT = table("account", {
  accountId: key(account()),
  userId: optional(snowflake<"user">()), // the bot's own; T0 sets these three together
  applicationId: optional(snowflake<"application">()),
  username: optional(text()),
  peer: optional(text()), // server and bot that this data belongs to
  gatewayUrl: optional(text()), // as Discord named it last; tried first
  gatewayUrlAt: optional(integer()),
  shardCount: optional(integer()), // absent: never connected
  flags: optional(integer()), // the application's, and when they were read
  flagsAt: optional(integer()),
  ownerId: optional(snowflake<"user">()), // the application's owner, read with its flags
  intents: optional(integer()), // of its sessions
  readyAt: optional(integer()), // when a session last proved alive
  probes: optional(integer()), // number of test writes
  recommendedShards: optional(integer()), // from the last /gateway/bot, set together
  limitTotal: optional(integer()),
  limitRemaining: optional(integer()),
  limitResetAfterMs: optional(integer()),
  limitMaxConcurrency: optional(integer()),
  limitReadAt: optional(integer()),
}, { isOfBot: true, forgets: { set: [{ where: "owner_id = :userId", to: "owner_id = NULL" }] } });

/** A shard of an account, from its first IDENTIFY on. */
export const GATEWAY_SESSION = table("gateway_session", {
  accountId: account(),
  shardId: integer(),
  sessionId: optional(text()), // absent: nothing to resume; T0 sets these four together
  resumeUrl: optional(text()),
  seq: optional(integer()),
  startedAt: optional(integer()),
  aliveAt: integer(), // time of the gateway's last sign of life
  storedUpTo: integer(), // when the newest stored message was sent
  catchUpFrom: optional(integer()), // storedUpTo when the open gap began
  lostAt: optional(integer()), // when the gap's newest loss was discovered
  hasHole: initially(flag(), false), // true: the session lacks events; a new one is due
}, {
  key: ["accountId", "shardId"],
  isOfBot: true,
  forgets: "positions of the bot's own connections",
});

/** An allowed IDENTIFY. */
export const IDENTIFY = table("identify", {
  id: rowNumber(), // in the order of asking
  accountId: account(),
  shardId: integer(),
  at: integer(),
}, {
  sql: "CREATE INDEX identify_of_account ON identify (account_id, at);",
  isOfBot: true,
  forgets: "times of the bot's own connections",
});

/** A guild that the bot is in. */
export const GUILD = table("guild", {
  accountId: account(),
  guildId: snowflake<"guild">(),
  snapshot: text(), // discord/gateway/ alone reads it
}, {
  key: ["accountId", "guildId"],
  hasRowNumber: true, // snapshots are long
  isOfBot: true,
  forgets: "names of servers, channels and roles, without members",
});

/** A DM or a group with a person who was ever accepted. */
export const DIRECT_CHANNEL = table("direct_channel", {
  accountId: account(),
  channelId: snowflake<"channel">(),
  activeAt: integer(),
  isGroup: initially(flag(), false),
}, {
  key: ["accountId", "channelId"],
  isOfBot: true,
  forgets: { delete: IN("channel_id", "channels") },
});

/** A run of the process, for all accounts. */
export const RUN = table("run", {
  id: rowNumber(), // in the order of starting
  runId: unique(text()),
  bootId: optional(text()), // of the machine
  startedAt: integer(),
  aliveAt: integer(),
  ending: optional(text()), // absent: it runs, or was killed
}, { forgets: "times of the process" });

/** The tables of this topic. */
export const GATEWAY_TABLES: readonly DeclaredTable[] = [
  ACCOUNT,
  GATEWAY_SESSION,
  IDENTIFY,
  GUILD,
  DIRECT_CHANNEL,
  RUN,
];
