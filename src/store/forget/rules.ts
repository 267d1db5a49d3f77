/**
 * Lists for every table how a person is forgotten in it (X5). A table without a line fails a test.
 *
 * @module
 */

import {
  BLANK_ID,
  type Person,
  REMOVED_ANSWER,
  REMOVED_MESSAGE,
  REMOVED_SUMMARY,
  type Scrubber,
  withoutArguments,
} from "./person.ts";
import type { ForgetRule } from "./forget_rule.ts";
import { changed, IN, json, stringIn } from "./row_rewrites.ts";

/** A message of another person: without the quoted words of the forgotten one. */
function messageOf(text: string, { userId }: Person, scrub: Scrubber): string {
  const message = JSON.parse(text);
  if (message.quoted?.author?.id === userId) message.quoted = { id: BLANK_ID, text: "" };
  return scrub.json(JSON.stringify(message));
}

const BLANK_AUTHOR = `value = json_set(value, '$.by', '${BLANK_ID}')`;

/** Messages of the bot that hold an answer to the person; a folded answer is in another message. */
const ANSWERS_THEM = `(${IN("cause_id", "messages")} OR id IN (SELECT folded_into FROM outbox ` +
  `WHERE folded_into IS NOT NULL AND ${IN("cause_id", "messages")}))`;
/** States of a message that is still to be sent. */
const UNSENT = "state IN ('pending', 'sending', 'uncertain', 'dead')";

/** The vectors of the notes, and SQLite's tables of their words. */
const INDEX_OF_NOTES: ForgetRule = { keep: "triggers of the table note change it" };

/** The tables, in the order of the schema. */
export const FORGETTING: Readonly<Record<string, ForgetRule>> = {
  account: { set: [{ where: "owner_id = :userId", to: "owner_id = NULL" }] },
  gateway_session: { keep: "positions of the bot's own connections" },
  identify: { keep: "times of the bot's own connections" },
  guild: { keep: "names of servers, channels and roles, without members" },
  direct_channel: { delete: IN("channel_id", "channels") },
  run: { keep: "times of the process" },
  journal: {
    // Only refused records are left; the tables have all others.
    change: {
      columns: ["record"],
      row: (row, _person, scrub) => scrub.isIn(stringIn(row, "record")) ? "delete" : undefined,
    },
  },
  inbox: {
    delete: "message ->> '$.sender.id' = :userId",
    change: {
      columns: ["message", "failure"],
      row: (row, person, scrub) => {
        const message = messageOf(stringIn(row, "message"), person, scrub);
        return changed(
          row,
          ["message", "failure"],
          (text) => text === row["message"] ? message : scrub.text(text),
        );
      },
    },
  },
  told_full: { delete: `(list = 'user' AND id = :userId) OR ${IN("id", "channels")}` },
  entry: {
    delete: IN("session_key", "sessions"),
    set: [{ where: IN("channel_id", "channels"), to: `channel_id = '${BLANK_ID}'` }],
    change: {
      columns: ["role", "text", "calls", "message_id"],
      row(row, { messages }, scrub) {
        const isTheirs = messages.has(stringIn(row, "message_id"));
        const role = stringIn(row, "role");
        const text = (whole: string): string => {
          const scrubbed = scrub.turn(whole);
          if (!isTheirs || whole === "") return scrubbed;
          if (role === "assistant") return REMOVED_ANSWER;
          return role === "user" && scrubbed.includes(REMOVED_MESSAGE) ? scrubbed : REMOVED_MESSAGE;
        };
        const after = {
          ...changed(row, ["text"], text),
          ...changed(row, ["calls"], isTheirs ? withoutArguments : scrub.json),
          ...(isTheirs && { message_id: BLANK_ID }),
        };
        return Object.keys(after).length === 0 ? undefined : after;
      },
    },
  },
  checkpoint: {
    delete: IN("session_key", "sessions"),
    change: {
      columns: ["message_ids", "summary"],
      row(row, { messages }, scrub) {
        const ids: readonly string[] = JSON.parse(stringIn(row, "message_ids"));
        const others = ids.filter((id) => !messages.has(id));
        const isAbout = others.length < ids.length || scrub.isIn(stringIn(row, "summary"));
        if (!isAbout) return undefined;
        return {
          message_ids: JSON.stringify(others),
          ...(row["summary"] !== null && { summary: REMOVED_SUMMARY }),
        };
      },
    },
  },
  step: {
    delete: IN("message_id", "messages"),
    change: {
      columns: ["step"],
      row(row, _person, scrub) {
        const step = JSON.parse(stringIn(row, "step"));
        if (typeof step.text === "string") step.text = scrub.turn(step.text);
        const after = scrub.json(JSON.stringify(step));
        return after === row["step"] ? undefined : { step: after };
      },
    },
  },
  message_block: {
    change: {
      columns: ["messages"],
      row(row, { userId, messages }, scrub) {
        const all: readonly (readonly unknown[])[] = JSON.parse(stringIn(row, "messages"));
        const others = all.filter((message) => message[1] !== userId).map((message) =>
          messages.has(String(message[5])) ? message.slice(0, 5) : message
        );
        if (others.length === 0) return "delete";
        const after = scrub.json(JSON.stringify(others));
        return after === row["messages"] ? undefined : { messages: after, count: others.length };
      },
    },
  },
  reaction: {
    delete: `user_id = :userId OR ${IN("message_id", "messages")}`,
    set: [{ where: IN("shown_in", "messages"), to: `shown_in = '${BLANK_ID}'` }],
  },
  usage: { delete: `user_id = :userId OR ${IN("channel_id", "channels")}` },
  told_budget: { delete: "user_id = :userId" },
  told_problem: { keep: "kinds of failure and names of models" },
  answer_thread: { delete: "asker_id = :userId" }, // the title has words of theirs
  schedule_run: { // before the schedules that they belong to
    delete: "schedule_row IN (SELECT id FROM schedule WHERE creator_id = :userId)",
  },
  schedule: {
    delete: "creator_id = :userId",
    change: {
      columns: ["text", "origin"],
      row(row, _person, scrub) {
        const after = {
          ...changed(row, ["text"], scrub.text),
          ...changed(row, ["origin"], scrub.json),
        };
        return Object.keys(after).length === 0 ? undefined : after;
      },
    },
  },
  discord_change: {
    delete: "asker_id = :userId",
    change: {
      columns: ["what", "undo"],
      row: (row, _person, scrub) =>
        changed(
          row,
          ["what", "undo"],
          (text) => text === row["undo"] ? scrub.json(text) : scrub.text(text),
        ),
    },
  },
  discord_post: { delete: "asker_id = :userId" },
  question: {
    delete: `asker_id = :userId OR ${IN("message_id", "messages")}`,
    set: [{ where: "decided_by = :userId", to: "decided_by = NULL" }],
    change: {
      columns: ["question", "answer"],
      row: (row, _person, scrub) => changed(row, ["question", "answer"], scrub.json),
    },
  },
  exec_rule: {
    set: [{ where: "allowed_by = :userId", to: "allowed_by = NULL" }],
    ...json("args"),
  },
  question_cover: { delete: "question_row NOT IN (SELECT id FROM question)" },
  question_card: { delete: "question_row NOT IN (SELECT id FROM question)" },
  question_control: { delete: "card_row NOT IN (SELECT id FROM question_card)" },
  note: {
    delete: "author_id = :userId OR id IN (SELECT note_row FROM note_source WHERE " +
      `${IN("message_id", "messages")})`,
    change: {
      columns: ["text"],
      row: (row, _person, scrub) => changed(row, ["text"], scrub.text),
    },
  },
  note_source: { delete: "note_row NOT IN (SELECT id FROM note)" },
  note_vector: INDEX_OF_NOTES,
  note_words: INDEX_OF_NOTES,
  note_words_config: INDEX_OF_NOTES,
  note_words_data: INDEX_OF_NOTES,
  note_words_docsize: INDEX_OF_NOTES,
  note_words_idx: INDEX_OF_NOTES,
  policy: json("text", "names"),
  fact: { delete: "author_id = :userId", ...json("facts") },
  verdict_block: {
    change: {
      columns: ["verdicts"],
      row(row, { messages }) {
        const all: readonly (readonly unknown[] | null)[] = JSON.parse(stringIn(row, "verdicts"));
        const after = all.map((verdict) =>
          verdict && messages.has(String(verdict[0])) ? null : verdict
        );
        if (after.every((verdict) => verdict === null)) return "delete";
        const text = JSON.stringify(after);
        return text === row["verdicts"] ? undefined : { verdicts: text };
      },
    },
  },
  undecided: {
    delete: "message ->> '$.sender.id' = :userId",
    change: {
      columns: ["message", "known_facts"],
      row: (row, person, scrub) => {
        const message = messageOf(stringIn(row, "message"), person, scrub);
        return changed(
          row,
          ["message", "known_facts"],
          (text) => text === row["message"] ? message : scrub.json(text),
        );
      },
    },
  },
  proxied_user: { delete: "user_id = :userId" },
  resolved_name: { delete: "found_id = :userId" },
  pairing_request: {
    delete: "user_id = :userId",
    set: [{ where: "decided_by = :userId", to: "decided_by = NULL" }],
  },
  asked_guild: { keep: "ids of servers" },
  paired: {
    delete: "user_id = :userId",
    set: [{ where: "paired_by = :userId", to: "paired_by = 'a forgotten person'" }],
  },
  pairing_guess: { keep: "a number" },
  outbox: {
    // A message that is not sent yet answers a turn that is forgotten.
    delete: `${IN("channel_id", "channels")} OR (${IN("cause_id", "messages")} AND ${UNSENT})`,
    set: [{
      where: `NOT ${UNSENT} AND ${ANSWERS_THEM}`,
      to: `message = json_set(json_remove(message, '$.footer', '$.card', '$.buttons', ` +
        `'$.menus'), '$.content', '${REMOVED_ANSWER}'), whole = NULL`,
    }],
    change: {
      columns: ["message", "whole", "refusal", "cause_id"],
      row(row, { messages }, scrub) {
        const after = {
          ...changed(row, ["message"], scrub.json),
          ...changed(row, ["whole", "refusal"], scrub.text),
          ...(messages.has(stringIn(row, "cause_id")) && { cause_id: null }),
        };
        return Object.keys(after).length === 0 ? undefined : after;
      },
    },
  },
  outbox_file: { delete: "outbox_row NOT IN (SELECT id FROM outbox)" },
  setting: {
    // A queue mode belongs to a channel, other settings to a session.
    delete: `${IN("scope", "sessions")} OR ${IN("scope", "channels")}`,
    set: [{ where: "iif(name = 'paused', value ->> '$.by', 0) = :userId", to: BLANK_AUTHOR }],
  },
  parked_channel: { delete: IN("channel_id", "channels") },
  fileless_channel: { delete: IN("channel_id", "channels") },
  invalid_request: { keep: "numbers by minute" },
};
