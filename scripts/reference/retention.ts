/**
 * Makes the lists of `docs/stored-data.md` that say how long Barnacle keeps which data (X6), from a row
 * for each table of the store. A table without a row fails a test.
 *
 * The numbers are those of the code, and the defaults those of the config.
 */

import { store } from "../../src/config/schema/discord.ts";
import { CODE_LIFE_MS, MAX_PENDING } from "../../src/core/inbound/pairing.ts";
import { MAX_NOTES } from "../../src/core/notes/note.ts";
import { MAX_PER_USER } from "../../src/core/turn/schedule.ts";
import { DAY_MS } from "../../src/lib/clock.ts";
import { CHANGES_KEPT_MS, POSTS_KEPT_MS } from "../../src/store/changes/changes.ts";
import { IDENTIFIES_MAX } from "../../src/store/gateway/accounts.ts";
import { RUNS_MAX } from "../../src/store/gateway/gateway.ts";
import { PROXIED_USERS_MAX } from "../../src/store/inbox/inbox.ts";
import { INVALID_REQUESTS_MINUTES } from "../../src/store/outbox/outbox.ts";
import { QUESTIONS_KEPT_MS } from "../../src/store/questions/questions.ts";
import { DEFAULT_RETENTION, HELD_DAYS } from "../../src/store/messages/retention.ts";
import { POLICIES_KEPT, POLICIES_MAX } from "../../src/store/messages/messages.ts";
import { HOOK_EVENTS_KEPT_DAYS } from "../../src/store/schema/agent.ts";
import { DIRECT_CHANNEL_DAYS } from "../../src/store/schema/bot.ts";
import { SCHEDULE_RUNS_MAX, SCHEDULES_KEPT_DAYS } from "../../src/store/schedules/schedules.ts";
import { REACTIONS_MAX, REACTIONS_PER_CHANNEL } from "../../src/store/turns/reactions.ts";
import { THREADS_MAX } from "../../src/store/turns/turns.ts";

export type Heading = "Texts" | "Decisions" | "People" | "Servers and operation";

/** The data of a table, and how long its rows stay or how many of them. */
export type TableBound =
  | { readonly under: Heading; readonly data: string; readonly kept: string }
  /** Its rows go with those of another table. */
  | { readonly goesWith: string };

const { retention } = store.parse({});

/** Every key of `store.retention`, with its default. */
export const KEYS: Readonly<Record<string, number>> = retention;

/** `"30 days (`decisionsDays`)"`. */
const key = (name: keyof typeof retention, unit = "days"): string =>
  retention[name] === 0
    ? `for ever (\`${name}\`: 0)`
    : `${count(retention[name])} ${unit} (\`${name}\`)`;
const count = (number: number): string => number.toLocaleString("en-US");
const days = (ms: number): string => ms === DAY_MS ? "a day" : `${ms / DAY_MS} days`;

const TRANSCRIPTS = `${key("transcriptsDays")}, within ${key("maxMb", "megabytes")}`;
const FOR_EVER = "until you delete the store";

export const BOUNDS: Readonly<Record<string, TableBound>> = {
  inbox: {
    under: "Texts",
    data: "Messages that the bot accepts: text, quoted message, author with display name, roles, " +
      "place, time; of embeds a description, and the addresses of pictures",
    kept: TRANSCRIPTS,
  },
  entry: {
    under: "Texts",
    data:
      "The transcript: the model's input for each turn with the context messages that it saw, " +
      "and the reply, also with the thinking that the model's server wants back",
    kept: TRANSCRIPTS,
  },
  checkpoint: {
    under: "Texts",
    data: "Summaries of older parts of a conversation",
    kept: "with their transcript",
  },
  step: {
    under: "Texts",
    data: "Calls of tools with their whole results, for example messages of the channel or web " +
      "pages that the model read",
    kept: TRANSCRIPTS,
  },
  outbox: {
    under: "Texts",
    data: "Replies and other messages of the bot",
    kept: `${TRANSCRIPTS}; those that did not arrive, at least ${HELD_DAYS} days`,
  },
  outbox_file: {
    under: "Texts",
    data: "Files that the bot sends",
    kept: `until Discord has them; of messages that never arrived, ${key("mediaDays")}`,
  },
  message_block: {
    under: "Texts",
    data: "Other messages in allowed channels, by people who may talk to the bot there (context)",
    kept: `${key("contextDays")}, and about the newest ${
      count(DEFAULT_RETENTION.contextPerChannel)
    } of each channel`,
  },
  undecided: {
    under: "Texts",
    data: "Messages whose verdict waits: for PluralKit, or for Discord's answer about an owner",
    kept: "some seconds",
  },
  note: {
    under: "Texts",
    data: "Notes of the agent's memory, with the IDs of author and source messages",
    kept:
      `${MAX_NOTES} of a person, channel or server at most; until the author, the model or the ` +
      "operator deletes them, or a source message is deleted while the bot runs. A source is each " +
      "message that the turn has read, unless the note has only words of the person that it answered",
  },
  note_source: { goesWith: "note" },
  schedule: {
    under: "Texts",
    data: "Reminders and scheduled tasks: text, creator, channel, runs",
    kept:
      `${MAX_PER_USER} of a person at most; until deleted, or ${SCHEDULES_KEPT_DAYS} days after ` +
      `the only run; of each, the newest ${SCHEDULE_RUNS_MAX} runs`,
  },
  schedule_run: { goesWith: "schedule" },
  question: {
    under: "Texts",
    data: "Questions and approvals: text, command, people who were asked, answer",
    kept: `${days(QUESTIONS_KEPT_MS)} after the answer`,
  },
  question_cover: { goesWith: "question" },
  question_card: { goesWith: "question" },
  question_control: { goesWith: "question" },
  exec_rule: {
    under: "Texts",
    data: "Commands that a person has always allowed: program, arguments, person",
    kept: FOR_EVER,
  },
  answer_thread: {
    under: "Texts",
    data: "Threads that the bot has opened for answers, with their titles",
    kept: `the newest ${count(THREADS_MAX)}`,
  },

  decision: {
    under: "Decisions",
    data:
      "Verdicts: message, channel, author, reason, rule, and the facts behind them: user name, " +
      "roles, names of server and channel, mention or not, scores of the intent filter; no text " +
      "of the message",
    kept: `${key("decisionsDays")}, the newest ${key("decisionsMax", "of them")}`,
  },
  policy: {
    under: "Decisions",
    data: "The config that decided, with secrets blanked",
    kept:
      `the newest ${POLICIES_KEPT} versions, and up to ${POLICIES_MAX} while verdicts need them`,
  },

  paired: {
    under: "People",
    data: "Pairings: user ID, user name, time, and the ID of the person who approved",
    kept: "until `barnacle pairing revoke <id>`",
  },
  pairing_request: {
    under: "People",
    data: "Pairing requests: user ID, user name, code, channel and message ID",
    kept: `valid for ${CODE_LIFE_MS / 3_600_000} hour, ${MAX_PENDING} at once; Barnacle deletes ` +
      "those of earlier days with the next request",
  },
  pairing_guess: { under: "People", data: "Number of wrong codes", kept: "until a right one" },
  voice_choice: {
    under: "People",
    data: "Choices about being heard in voice channels: user and server ID, and time",
    kept: "until the call ends; a `/deafen me`, until the person presses **Hear me**",
  },
  voice_call: {
    under: "Servers and operation",
    data: "Calls in voice channels: server and channel, and the ID of the person who called",
    kept: "until the call ends, and people have left its channel",
  },
  direct_channel: {
    under: "People",
    data: "Direct channels: channel ID and last activity",
    kept: `${DIRECT_CHANNEL_DAYS} days after the last message`,
  },
  resolved_name: {
    under: "People",
    data: "Names of the config with their resolved IDs",
    kept: "until the name gets another ID",
  },
  proxied_user: {
    under: "People",
    data: "PluralKit users: user ID and time, only with `pluralkit.enabled`",
    kept: `the newest ${count(PROXIED_USERS_MAX)}`,
  },
  usage: {
    under: "People",
    data:
      "Tokens, money and time of model requests, by day, user, channel and server; without the user after `forget`",
    kept: `${key("usageDays")}`,
  },
  told_budget: {
    under: "People",
    data: "People who know that their budget of the day is spent",
    kept: "2 days",
  },
  reaction: {
    under: "People",
    data: "Changed reactions on messages: person, message, emoji",
    kept: `${key("contextDays")}, the newest ${REACTIONS_PER_CHANNEL} of each channel, and ${
      count(REACTIONS_MAX)
    } together`,
  },
  discord_change: {
    under: "People",
    data: "Changes on Discord, with the way to take them back: person, place, names",
    kept: days(CHANGES_KEPT_MS),
  },
  discord_post: {
    under: "People",
    data: "Polls and other posts of tools: message ID, and the ID of the person who asked",
    kept: days(POSTS_KEPT_MS),
  },

  guild: {
    under: "Servers and operation",
    data: "Names of servers, channels, threads and roles; topics of channels",
    kept: "while the bot is in the server",
  },
  application_owner: {
    under: "Servers and operation",
    data: "Owner and team of the bot's application: person",
    kept: "until Discord names others",
  },
  account: {
    under: "Servers and operation",
    data: "The bot's account, its gateway session and Discord's limits",
    kept: "one row for each account and shard; until replaced by newer data",
  },
  gateway_session: { goesWith: "account" },
  identify: {
    under: "Servers and operation",
    data: "Times of IDENTIFYs",
    kept: `the newest ${count(IDENTIFIES_MAX)}`,
  },
  invalid_request: {
    under: "Servers and operation",
    data: "Counts of invalid requests",
    kept: `${INVALID_REQUESTS_MINUTES} minutes`,
  },
  run: {
    under: "Servers and operation",
    data: "Runs of the process: start, end and reason",
    kept: `the newest ${RUNS_MAX}`,
  },
  setting: {
    under: "Servers and operation",
    data: "Settings by commands, one for each conversation and kind; the loop guard's number of " +
      "messages by bots in a channel",
    kept: "until changed back; the number until a person writes there",
  },
  hook_event: {
    under: "Texts",
    data: "Events of other programs: title, text for the model, text for people, the sender's id",
    kept: `${HOOK_EVENTS_KEPT_DAYS} days`,
  },
  hook_run: { goesWith: "hook_event" },
  hook_incident: {
    under: "Texts",
    data: "Threads of incidents: key, title, channel, number of events",
    kept: `${HOOK_EVENTS_KEPT_DAYS} days after the last event`,
  },
  open_command: {
    under: "Servers and operation",
    data: "Commands whose answers have not left: name, person, token of the interaction",
    kept: "until the answer has left; 15 minutes at most",
  },
  parked_channel: {
    under: "Servers and operation",
    data: "Channels that refuse messages: channel ID, reason",
    kept: "until a message arrives there",
  },
};

const START = "<!-- Generated: deno run -A scripts/reference/commands.ts -->";
const END = "<!-- End of the generated part -->";

const HEADINGS: readonly Heading[] = ["Texts", "Decisions", "People", "Servers and operation"];

/**
 * Replaces the generated part of the page.
 *
 * @throws {Error} If the page has no generated part.
 */
export function withRetention(page: string): string {
  const from = page.indexOf(START);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`The page has no part from ${START} to ${END}`);
  const bounds = Object.values(BOUNDS).flatMap((bound) => "data" in bound ? [bound] : []);
  const lists = HEADINGS.flatMap((heading) => [
    `### ${heading}`,
    "",
    ...bounds.filter(({ under }) => under === heading).map(({ data, kept }) =>
      `- **${data}**: ${kept}.`
    ),
    "",
  ]);
  return page.slice(0, from) + [START, "<!-- deno-fmt-ignore-start -->", "", ...lists].join("\n") +
    "<!-- deno-fmt-ignore-end -->\n" + page.slice(to);
}
