/**
 * Tables of what the agent does by itself: changes, and events of hooks.
 *
 * Tables of the bot itself: accounts with their gateway sessions, runs of the process, settings,
 * the use of models, and figures.
 */

import type { UndoSteps } from "../../core/turn/discord_place.ts";
import { DAY_MS } from "../../lib/clock.ts";
import {
  account,
  type DeclaredTable,
  flag,
  IN,
  initially,
  integer,
  json,
  key,
  optional,
  real,
  rowNumber,
  snowflake,
  table,
  text,
  unique,
} from "./columns.ts";
import { BLANK_ID } from "./person.ts";

export const ACCOUNT = table("account", {
  accountId: key(account()),
  userId: optional(snowflake<"user">()), // the bot's own; T0 sets these three together
  applicationId: optional(snowflake<"application">()),
  username: optional(text()),
  peer: optional(text()), // server and bot that this data belongs to
  gatewayUrl: optional(text()), // as Discord named it last; tried first
  gatewayUrlAt: optional(integer()),
  flags: optional(integer()), // the application's, and when they were read
  flagsAt: optional(integer()),
  ownerId: optional(snowflake<"user">()), // the application's owner, read with its flags
  intents: optional(integer()), // of its sessions
  probes: optional(integer()), // number of test writes
  limitTotal: optional(integer()), // from the last /gateway/bot, set together
  limitRemaining: optional(integer()),
  limitResetAfterMs: optional(integer()),
  limitReadAt: optional(integer()),
}, {
  isOfBot: true,
  holds: {
    under: "Servers and operation",
    data: "The bot's account, its gateway session and Discord's limits",
    kept: "one row for each account; until replaced by newer data",
  },
  forgets: { set: [{ where: "owner_id = :userId", to: "owner_id = NULL" }] },
});

/** The gateway connection of an account, from its first IDENTIFY on. */
export const GATEWAY_SESSION = table("gateway_session", {
  accountId: key(account()),
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
  isOfBot: true,
  holds: "account",
  forgets: "positions of the bot's own connections",
});

/**
 * Number of IDENTIFYs to keep, at least, regardless of their age: more than can count in a day.
 * Deletion by age would forget the whole day if the clock runs ahead for a minute.
 */
export const IDENTIFIES_MAX = 1_000;

export const IDENTIFY = table("identify", {
  id: rowNumber(), // in the order of asking
  accountId: account(),
  at: integer(),
}, {
  sql: "CREATE INDEX identify_of_account ON identify (account_id, at);",
  isOfBot: true,
  holds: {
    under: "Servers and operation",
    data: "Times of IDENTIFYs",
    kept: `the newest ${IDENTIFIES_MAX}`,
  },
  forgets: "times of the bot's own connections",
});

export const GUILD = table("guild", {
  accountId: account(),
  guildId: snowflake<"guild">(),
  snapshot: text(), // discord/gateway/ alone reads it
}, {
  key: ["accountId", "guildId"],
  hasRowNumber: true, // snapshots are long
  isOfBot: true,
  holds: {
    under: "Servers and operation",
    data: "Names of servers, channels, threads and roles; topics of channels",
    kept: "while the bot is in the server",
  },
  forgets: "names of servers, channels and roles, without members",
});

/** Days without a message after which catch-up does not read a direct channel any more. */
const DIRECT_CHANNEL_DAYS = 400;

/** A DM or a group with a person who was ever accepted. */
const DIRECT_CHANNEL = table("direct_channel", {
  accountId: account(),
  channelId: snowflake<"channel">(),
  activeAt: integer(),
  isGroup: initially(flag(), false),
}, {
  key: ["accountId", "channelId"],
  isOfBot: true,
  keeps: { by: "activeAt", days: DIRECT_CHANNEL_DAYS, isSlow: true },
  holds: {
    under: "People",
    data: "Direct channels: channel ID and last activity",
    kept: `${DIRECT_CHANNEL_DAYS} days after the last message`,
  },
  forgets: { delete: IN("channel_id", "channels") },
});

/** Number of runs to keep, beside the first one. */
export const RUNS_MAX = 50;

export const RUN = table("run", {
  id: rowNumber(), // in the order of starting
  runId: unique(text()),
  bootId: optional(text()), // of the machine
  startedAt: integer(),
  aliveAt: integer(),
  ending: optional(text()), // absent: it runs, or was killed
}, {
  holds: {
    under: "Servers and operation",
    data: "Runs of the process: start, end and reason",
    kept: `the newest ${RUNS_MAX}`,
  },
  forgets: "times of the process",
});

/** The application's owner and the whole team, as last read. */
export const APPLICATION_OWNER = table("application_owner", {
  accountId: account(),
  userId: snowflake<"user">(),
}, {
  key: ["accountId", "userId"],
  isOfBot: true,
  holds: {
    under: "Servers and operation",
    data: "Owner and team of the bot's application: person",
    kept: "until Discord names others",
  },
  forgets: { delete: "user_id = :userId" },
});

// The table of settings that people change by commands, of the loop guard's counts, and of alerts.

export const SETTING = table("setting", {
  accountId: account(), // empty for alerts, which are of the whole bot
  scope: text(), // key of a session, id of a channel, 'account' or 'bot'
  name: text(), // as SettingName lists them, 'paused', 'loop' or 'alerts'
  value: text(), // JSON if the name is 'paused', 'loop' or 'alerts'
  at: integer(),
}, {
  key: ["accountId", "scope", "name"],
  isOfBot: true,
  holds: {
    under: "Servers and operation",
    data: "Settings by commands, one for each conversation and kind; the loop guard's number of " +
      "messages by bots in a channel",
    kept: "until changed back; the number until a person writes there",
  },
  forgets: {
    // A queue mode and a count belong to a channel, other settings to a session.
    delete: `${IN("scope", "sessions")} OR ${IN("scope", "channels")}`,
    set: [{
      where: "iif(name = 'paused', value ->> '$.by', 0) = :userId",
      to: `value = json_set(value, '$.by', '${BLANK_ID}')`,
    }],
  },
});

// The tables of the use of models.

const USAGE_KEY = "day, user_id, channel_id, guild_id, agent_id, model, kind";
const USAGE_SUMS = "requests input cached output micros unpriced ms audio_sec".split(" ");

/** The end of an insert into {@link USAGE}: the sums grow if there is a row for them. */
export const ADD_USAGE = `ON CONFLICT (${USAGE_KEY}) DO UPDATE SET ${
  USAGE_SUMS.map((sum) => `${sum} = ${sum} + excluded.${sum}`).join(", ")
}`;
const IS_DIRECT = IN("channel_id", "channels");
const OF_PERSON = `user_id = :userId OR ${IS_DIRECT}`;

/** The use of models of a day, by person, place, model and purpose. */
const USAGE = table("usage", {
  day: integer(), // UTC days since 1970-01-01
  userId: text(), // empty if no person asked for the requests
  channelId: text(),
  guildId: text(), // empty in direct messages
  agentId: text(),
  model: text(),
  kind: text(), // purpose of the requests
  requests: integer(),
  input: integer(), // tokens, cached ones included
  cached: integer(),
  output: integer(),
  micros: integer(), // millionths of the currency, of requests with a known price
  unpriced: integer(), // number of requests without a known price
  ms: integer(),
  audioSec: real(),
}, {
  key: ["day", "userId", "channelId", "guildId", "agentId", "model", "kind"],
  keeps: { by: "day", days: "usageDays" },
  holds: {
    under: "People",
    data:
      "Tokens, money and time of model requests, by day, user, channel and server; without the user after `forget`",
    kept: "{usageDays}",
  },
  forgets: {
    // The operator's money is spent all the same, so budgets still count it.
    first: `INSERT INTO usage (${USAGE_KEY}, ${USAGE_SUMS.join(", ")})
      SELECT day, '', iif(${IS_DIRECT}, '', channel_id), guild_id, agent_id, model, kind, ${
      USAGE_SUMS.join(", ")
    }
      FROM usage WHERE ${OF_PERSON} ${ADD_USAGE}`,
    delete: OF_PERSON,
  },
});

/** A person who knows that a budget of the day is spent. */
export const TOLD_BUDGET = table("told_budget", { day: integer(), userId: text() }, {
  key: ["day", "userId"],
  keeps: { by: "day", days: 1 }, // the clock may be set back a little
  holds: {
    under: "People",
    data: "People who know that their budget of the day is spent",
    kept: "2 days",
  },
  forgets: { delete: "user_id = :userId" },
});

export const BOT_TABLES: readonly DeclaredTable[] = [
  ACCOUNT,
  GATEWAY_SESSION,
  IDENTIFY,
  GUILD,
  DIRECT_CHANNEL,
  RUN,
  APPLICATION_OWNER,
  SETTING,
  USAGE,
  TOLD_BUDGET,
];

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
