/**
 * Lists for every table how a person is forgotten in it (X5). Declared tables say it themselves. A
 * table without a rule fails a test.
 */

import {
  type Person,
  REMOVED_ANSWER,
  REMOVED_MESSAGE,
  REMOVED_SUMMARY,
  type Scrubber,
} from "./person.ts";
import {
  CHANGE_TABLES,
  FEED_TABLES,
  HOOK_TABLES,
  NOTE_TABLES,
  SCHEDULE_TABLES,
} from "../schema/agent.ts";
import {
  APPLICATION_OWNER,
  GATEWAY_TABLES,
  SETTING_TABLES,
  TREND_TABLES,
  USAGE_TABLES,
} from "../schema/bot.ts";
import { GONE, KNOWN_TABLES, UNANSWERED } from "../schema/messages.ts";
import {
  ACTION_RUN_TABLES,
  PAIRING_TABLES,
  QUESTION_TABLES,
  THREAD_TABLES,
} from "../schema/people.ts";
import { BLANK_ID, type DeclaredTable, IN } from "../schema/columns.ts";

/** A row, as SQLite returns it. */
export type RewrittenRow = Readonly<Record<string, unknown>>;

/** How a person is forgotten in one table. */
export type ForgetRule =
  /** The table has nothing about people; the text says why. */
  | { readonly keep: string }
  | {
    /** SQL that runs first, for sums that stay without the person. */
    readonly first?: string;
    /**
     * Condition of the rows to delete. It may use `:userId`, and lists in JSON: `:messages`,
     * `:channels` and `:sessions`.
     */
    readonly delete?: string;
    /** Columns that are set to a value, by the condition of their rows. */
    readonly set?: readonly { readonly where: string; readonly to: string }[];
    /** Rewrites the rows that stay. The table needs a column `id`. */
    readonly change?: {
      /** The columns that {@link change.row} reads. */
      readonly columns: readonly string[];
      /** @returns The changed columns; `"delete"`; or `undefined` if nothing changes. */
      row(row: RewrittenRow, person: Person, scrub: Scrubber): RewrittenRow | "delete" | undefined;
    };
  };

/** The text of a column; empty if it has none. */
const stringIn = (row: RewrittenRow, column: string): string => String(row[column] ?? "");

/** Rewrites texts of a row; `undefined` if none changes. */
function changed(
  row: RewrittenRow,
  columns: readonly string[],
  rewrite: (text: string) => string,
): RewrittenRow | undefined {
  const after = Object.fromEntries(
    columns.filter((column) => typeof row[column] === "string").map((column) =>
      [column, rewrite(stringIn(row, column))] as const
    ).filter(([column, text]) => text !== row[column]),
  );
  return Object.keys(after).length === 0 ? undefined : after;
}

/** Rewrites columns of JSON of ours. */
function json(...columns: readonly string[]): Extract<ForgetRule, { change?: unknown }> {
  return { change: { columns, row: (row, _person, scrub) => changed(row, columns, scrub.json) } };
}

/** The rules of declared tables, by name. */
function declared(tables: readonly DeclaredTable[]): Readonly<Record<string, ForgetRule>> {
  return Object.fromEntries(tables.map(({ name, forgets, jsonColumns }) => {
    if (typeof forgets === "string") return [name, { keep: forgets }];
    const { scrub: columns, ...rule } = forgets;
    if (!columns) return [name, rule];
    const texts = columns.filter((column) => !jsonColumns.includes(column));
    const jsons = columns.filter((column) => jsonColumns.includes(column));
    const row = (row: RewrittenRow, _person: Person, scrub: Scrubber): RewrittenRow | undefined => {
      const after = { ...changed(row, texts, scrub.text), ...changed(row, jsons, scrub.json) };
      return Object.keys(after).length === 0 ? undefined : after;
    };
    return [name, { ...rule, change: { columns, row } }];
  }));
}

/** A message of another person: without the quoted words of the forgotten one. */
function messageOf(text: string, { userId }: Person, scrub: Scrubber): string {
  const message = JSON.parse(text);
  if (message.quoted?.author?.id === userId) message.quoted = { id: BLANK_ID, text: "" };
  if (message.names) delete message.names[`@${userId}`];
  return scrub.json(JSON.stringify(message));
}

/** A card about the person repeats their words, such as the question of a draft (A5). */
function withoutCard(text: string, scrub: Scrubber): string {
  const message = JSON.parse(text);
  if (!message.card || !scrub.hasId(text)) return text;
  const { card: _card, buttons: _buttons, menus: _menus, footer: _footer, ...rest } = message;
  return JSON.stringify({ ...rest, content: REMOVED_ANSWER });
}

/** Messages of the bot that hold an answer to the person; a folded answer is in another message. */
const ANSWERS_THEM = `(${IN("cause_id", "messages")} OR id IN (SELECT folded_into FROM outbox ` +
  `WHERE folded_into IS NOT NULL AND ${IN("cause_id", "messages")}))`;
/** States of a message that is still to be sent. */
const UNSENT = "state IN ('pending', 'sending', 'uncertain', 'dead')";

/** SQLite's tables of the words of notes. */
const INDEX_OF_NOTES: ForgetRule = { keep: "triggers of the table note change it" };

/** SQLite's tables of the words of known messages. */
const INDEX_OF_KNOWN: ForgetRule = {
  keep: "the words of deleted messages go in the same transaction",
};

/** A decision of which only the message's id is left: catch-up must not answer the message (G6). */
const FORGOTTEN: RewrittenRow = {
  channel_id: BLANK_ID,
  author_id: BLANK_ID,
  verdict: "forgotten",
  why: "",
  rule: "",
  policy_row: null,
  facts: null,
};

/** The tables, in the order of the schema. */
export const FORGETTING: Readonly<Record<string, ForgetRule>> = {
  ...declared(GATEWAY_TABLES),
  journal: { keep: "the tables have all records by then, and all are deleted" },
  journal_done: { keep: "a number" },
  journal_refused: {
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
  ...declared([UNANSWERED, APPLICATION_OWNER]),
  told_full: { delete: `(list = 'user' AND id = :userId) OR ${IN("id", "channels")}` },
  entry: {
    delete: IN("session_key", "sessions"),
    set: [{ where: IN("channel_id", "channels"), to: `channel_id = '${BLANK_ID}'` }],
    change: {
      columns: ["role", "text", "calls", "message_id", "carried"],
      row(row, { messages }, scrub) {
        const isTheirs = messages.has(stringIn(row, "message_id"));
        const { carried } = row;
        const role = stringIn(row, "role");
        const text = (whole: string): string => {
          const scrubbed = scrub.turn(whole);
          if (!isTheirs || whole === "") return scrubbed;
          return role === "user" && scrubbed.includes(REMOVED_MESSAGE) ? scrubbed : REMOVED_MESSAGE;
        };
        const after = {
          ...changed(row, ["text"], text),
          ...changed(row, ["calls"], scrub.json),
          ...(isTheirs && { message_id: BLANK_ID }),
          ...(carried !== null && (isTheirs || scrub.isIn(String(carried))) && { carried: null }),
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
  ...declared(USAGE_TABLES),
  ...declared(TREND_TABLES),
  ...declared(FEED_TABLES),
  ...declared(ACTION_RUN_TABLES),
  ...declared(THREAD_TABLES),
  ...declared(SCHEDULE_TABLES),
  ...declared(HOOK_TABLES),
  ...declared(CHANGE_TABLES),
  ...declared(QUESTION_TABLES),
  ...declared(NOTE_TABLES),
  note_words: INDEX_OF_NOTES,
  note_words_config: INDEX_OF_NOTES,
  note_words_data: INDEX_OF_NOTES,
  note_words_docsize: INDEX_OF_NOTES,
  note_words_idx: INDEX_OF_NOTES,
  ...declared(KNOWN_TABLES),
  known_message: {
    // The same transaction deletes the rows without a channel, with their words.
    set: [{ where: "author_id = :userId", to: `channel = ${GONE}` }],
    change: {
      columns: ["text", "reply_to"],
      row: (row, { messages }, scrub) =>
        scrub.isIn(stringIn(row, "text")) || messages.has(stringIn(row, "reply_to"))
          ? { channel: GONE }
          : undefined,
    },
  },
  known_index: { keep: "a number" },
  known_words: INDEX_OF_KNOWN,
  known_words_config: INDEX_OF_KNOWN,
  known_words_data: INDEX_OF_KNOWN,
  known_words_idx: INDEX_OF_KNOWN,
  policy: json("text", "names"),
  decision: {
    change: {
      columns: ["message_id", "facts"],
      row(row, { messages, recent }, scrub) {
        const id = stringIn(row, "message_id");
        if (!messages.has(id)) return changed(row, ["facts"], scrub.json);
        return recent.has(id) ? FORGOTTEN : "delete";
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
  ...declared(PAIRING_TABLES),
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
          ...changed(row, ["message"], (text) => scrub.json(withoutCard(text, scrub))),
          ...changed(row, ["whole", "refusal"], scrub.text),
          ...(messages.has(stringIn(row, "cause_id")) && { cause_id: null }),
        };
        return Object.keys(after).length === 0 ? undefined : after;
      },
    },
  },
  outbox_file: { delete: "outbox_row NOT IN (SELECT id FROM outbox)" },
  ...declared(SETTING_TABLES),
  parked_channel: { delete: IN("channel_id", "channels") },
  fileless_channel: { delete: IN("channel_id", "channels") },
  invalid_request: { keep: "numbers by minute" },
};
