/** The tables of the use of models. */

import { account, type DeclaredTable, IN, integer, real, table, text } from "./columns.ts";

/** The use of models of a day, by person, place, model and purpose. */
export const USAGE = table("usage", {
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
  forgets: { delete: `user_id = :userId OR ${IN("channel_id", "channels")}` },
});

/** A person who knows that a budget of the day is spent. */
export const TOLD_BUDGET = table("told_budget", { day: integer(), userId: text() }, {
  key: ["day", "userId"],
  forgets: { delete: "user_id = :userId" },
});

/** A problem of models that the owners know; a model's answer ends it. */
export const TOLD_PROBLEM = table("told_problem", {
  accountId: account(),
  problem: text(), // kind of failure and model
  toldAt: integer(),
}, {
  key: ["accountId", "problem"],
  isOfBot: true,
  forgets: "kinds of failure and names of models",
});

/** The tables of this topic. */
export const USAGE_TABLES: readonly DeclaredTable[] = [USAGE, TOLD_BUDGET, TOLD_PROBLEM];
