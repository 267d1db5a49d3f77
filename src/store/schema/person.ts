/**
 * A person to forget, and the removal of their traces from texts and rows (X5).
 *
 * Tables of people: pairing, questions with their cards, and the threads of their answers.
 */

import { hookedOf, type InboundMessage, type Origin } from "../../core/inbound/inbound.ts";
import { CODE_LIFE_MS, MAX_PENDING } from "../../core/inbound/pairing.ts";
import type { Question, QuestionAnswer } from "../../core/people/question.ts";
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
  oneOf,
  optional,
  type RowChange,
  rowNumber,
  snowflake,
  table,
  text,
  unique,
} from "./columns.ts";

/** A name of the config for which Discord has found an id. */
export const RESOLVED_NAME = table("resolved_name", {
  accountId: account(),
  kind: oneOf("user", "guild", "channel"),
  typed: text(), // as written in the config
  guildId: initially(text(), ""), // of a channel
  foundId: text(),
  name: text(), // at that time
  at: integer(),
}, {
  key: ["accountId", "kind", "typed", "guildId"],
  holds: {
    under: "People",
    data: "Names of the config with their resolved IDs",
    kept: "until the name gets another ID",
  },
  forgets: { delete: "found_id = :userId" },
});

export const PAIRING_REQUEST = table("pairing_request", {
  id: rowNumber(), // in the order of asking
  accountId: account(),
  userId: snowflake<"user">(),
  username: text(), // as it was then
  channelId: snowflake<"channel">(),
  messageId: snowflake<"message">(), // the challenged message
  code: text(),
  approveButton: text(),
  denyButton: text(),
  state: initially(oneOf("pending", "approved", "denied", "expired"), "pending"),
  isReported: initially(flag(), false), // true: the owners were notified
  createdAt: integer(),
  expiresAt: integer(),
  decidedAt: optional(integer()),
  decidedBy: optional(text()),
}, {
  unique: ["accountId", "code"],
  sql: `
    CREATE UNIQUE INDEX pairing_request_pending ON pairing_request (account_id, user_id)
      WHERE state = 'pending';
    CREATE INDEX pairing_request_newest ON pairing_request (account_id, created_at);`,
  isOfBot: true,
  holds: {
    under: "People",
    data: "Pairing requests: user ID, user name, code, channel and message ID",
    kept: `valid for ${CODE_LIFE_MS / 3_600_000} hour, ${MAX_PENDING} at once; Barnacle deletes ` +
      "those of earlier days with the next request",
  },
  forgets: {
    delete: "user_id = :userId",
    set: [{ where: "decided_by = :userId", to: "decided_by = NULL" }],
  },
});

/** A guild about which the owners were asked. */
export const PAIRED = table("paired", {
  accountId: account(),
  userId: snowflake<"user">(),
  username: text(), // as it was then
  pairedAt: integer(),
  pairedBy: text(),
}, {
  key: ["accountId", "userId"],
  holds: {
    under: "People",
    data: "Pairings: user ID, user name, time, and the ID of the person who approved",
    kept: "until `barnacle pairing revoke <id>`",
  },
  forgets: {
    delete: "user_id = :userId",
    set: [{ where: "paired_by = :userId", to: "paired_by = 'a forgotten person'" }],
  },
});

/** Wrong codes since the last right one. */
export const PAIRING_GUESS = table("pairing_guess", {
  accountId: key(account()),
  wrong: integer(),
  closedAt: optional(integer()), // when too many closed the check
}, {
  holds: { under: "People", data: "Number of wrong codes", kept: "until a right one" },
  forgets: "a number",
});

// The tables of questions to people, their cards, commands that people have allowed for good, and runs
// of offered actions.

/** How long decided questions are kept, for the log and for repeated presses. */
export const QUESTIONS_KEPT_MS = 30 * DAY_MS;

/** A question about a call of a parked turn. */
export const QUESTION = table("question", {
  id: rowNumber(), // in the order of asking
  accountId: account(),
  messageId: snowflake<"message">(), // of the parked turn
  channelId: snowflake<"channel">(), // of the parked turn
  guildId: optional(snowflake<"guild">()),
  askerId: snowflake<"user">(), // the sender of the message
  callKey: unique(text()), // of the call that waits
  code: unique(text()), // for people
  question: json<Question>(),
  state: initially(oneOf("open", "answered", "expired", "withdrawn"), "open"),
  answer: optional(json<QuestionAnswer>()),
  decidedBy: optional(snowflake<"user">()), // absent: no person of Discord
  decidedAt: optional(integer()),
  hasCards: initially(flag(), false),
  createdAt: integer(),
  expiresAt: integer(),
}, {
  // A turn that ends or is edited withdraws its questions.
  sql: `
  CREATE INDEX question_open ON question (message_id) WHERE state = 'open';
  CREATE INDEX question_answered ON question (message_id) WHERE state = 'answered';
  CREATE INDEX question_expiry ON question (account_id, expires_at) WHERE state = 'open';
  CREATE INDEX question_decided ON question (decided_at) WHERE decided_at IS NOT NULL;

  CREATE TRIGGER question_lost_turn AFTER UPDATE OF finished_at ON inbox
    WHEN NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL
  BEGIN
    UPDATE question SET state = 'withdrawn', decided_at = NEW.finished_at
    WHERE message_id = COALESCE(NEW.turn_of, NEW.message_id) AND state = 'open';
  END;

  CREATE TRIGGER question_edited_turn AFTER UPDATE OF message ON inbox
    WHEN NEW.finished_at IS NULL
  BEGIN
    UPDATE question SET state = 'withdrawn', decided_at = NEW.accepted_at
    WHERE message_id = COALESCE(NEW.turn_of, NEW.message_id) AND state = 'open';
  END;
`,
  isOfBot: true,
  holds: {
    under: "Texts",
    data: "Questions and approvals: text, command, people who were asked, answer",
    kept: `${QUESTIONS_KEPT_MS / DAY_MS} days after the answer`,
  },
  forgets: {
    delete: `asker_id = :userId OR ${IN("message_id", "messages")}`,
    set: [{ where: "decided_by = :userId", to: "decided_by = NULL" }],
    scrub: ["question", "answer"],
  },
});

export const STORED_QUESTION = QUESTION.without("askerId", "callKey", "hasCards", "decidedAt");

/** Another call that waits for a question. */
const QUESTION_COVER = table("question_cover", { callKey: key(text()), questionRow: integer() }, {
  sql: "CREATE INDEX question_cover_of ON question_cover (question_row);",
  holds: "question",
  forgets: { delete: "question_row NOT IN (SELECT id FROM question)" },
});

export const QUESTION_CARD = table("question_card", {
  id: rowNumber(),
  questionRow: integer(),
  accountId: account(),
  channelId: snowflake<"channel">(),
  nonce: text(), // of its row in the outbox
  isSettled: initially(flag(), false), // true: the outbox has its last text
}, {
  sql: `
    CREATE INDEX question_card_of ON question_card (question_row);
    CREATE INDEX question_card_open ON question_card (account_id) WHERE is_settled = 0;`,
  isOfBot: true,
  holds: "question",
  forgets: { delete: "question_row NOT IN (SELECT id FROM question)" },
});

/** A button or a menu of a card. */
export const QUESTION_CONTROL = table("question_control", {
  customId: key(text()),
  cardRow: integer(),
  choice: text(), // 'form': it opens the question's form; 'menu': the person chooses
}, {
  sql: "CREATE INDEX question_control_of ON question_control (card_row);",
  holds: "question",
  forgets: { delete: "card_row NOT IN (SELECT id FROM question_card)" },
});

/** A command that a person has allowed for good. */
export const EXEC_RULE = table("exec_rule", {
  id: rowNumber(),
  agentId: text(),
  path: text(), // real path of the program
  contentHash: text(), // SHA-256 of its content
  cwd: text(), // the folder that it runs in
  filesHash: text(), // SHA-256 over the files that arguments name
  args: json<readonly string[]>(), // the exact arguments
  allowedBy: optional(snowflake<"user">()), // absent: a person with access to the host
  allowedAt: integer(),
}, {
  unique: ["agentId", "path", "contentHash", "cwd", "filesHash", "args"],
  holds: {
    under: "Texts",
    data: "Commands that a person has always allowed: program, arguments, person",
    kept: "until you delete the store",
  },
  forgets: { set: [{ where: "allowed_by = :userId", to: "allowed_by = NULL" }], scrub: ["args"] },
});

/** Finds a row if a turn waits for people, by the message that it began with. */
export const SELECT_OPEN = "SELECT 1 FROM question WHERE state = 'open' AND message_id = ?";

/** Condition of rows of `inbox` whose turn is parked. */
export const IS_PARKED = `EXISTS (
  SELECT 1 FROM question AS q
  WHERE q.state = 'open' AND q.message_id = COALESCE(inbox.turn_of, inbox.message_id)
)`;

// The table of the threads that answers open (S7).

/** Maximum number of threads of an account; older ones continue with mentions only. */
export const THREADS_MAX = 5_000;

export const ANSWER_THREAD = table("answer_thread", {
  accountId: account(),
  threadId: snowflake<"channel">(), // also the id of the message that it starts from
  channelId: snowflake<"channel">(), // of that message
  askerId: snowflake<"user">(), // its author
  hasAsker: initially(flag(), true), // false: the author has left the thread
  title: text(), // empty once Discord has answered
  state: oneOf(
    "opening", // Discord may have it
    "open",
    "refused", // the answer is in the channel
  ),
  at: integer(),
}, {
  key: ["accountId", "threadId"],
  sql: "CREATE INDEX answer_thread_newest ON answer_thread (account_id, at);",
  isOfBot: true,
  holds: {
    under: "Texts",
    data: "Threads that the bot has opened for answers, with their titles",
    kept: `the newest ${THREADS_MAX}`,
  },
  forgets: { delete: "asker_id = :userId" }, // the title has words of theirs
});

/** The tables of this file. Parts are forgotten after the rows that they belong to. */
export const PEOPLE_TABLES: readonly DeclaredTable[] = [
  RESOLVED_NAME,
  PAIRING_REQUEST,
  PAIRED,
  PAIRING_GUESS,
  QUESTION,
  EXEC_RULE,
  QUESTION_COVER,
  QUESTION_CARD,
  QUESTION_CONTROL,
  ANSWER_THREAD,
];

/** Everything by which the store's rows may name a person. */
export interface Person {
  readonly userId: string;
  readonly names: ReadonlySet<string>;
  readonly messages: ReadonlySet<string>;
  /** Their id, those of their messages, and those of posts that may repeat their words. */
  readonly sources: ReadonlySet<unknown>;
  /** Those of them that catch-up may find again, and must not answer. */
  readonly recent: ReadonlySet<string>;
  readonly channels: ReadonlySet<string>;
  readonly sessions: ReadonlySet<string>;
}

/** Takes the place of ids in columns that need one: no message and no person has it. */
export const BLANK_ID = "1";

/** Takes the place of names and ids in texts. */
const REMOVED = "[removed]";
/** Takes the place of their words. */
export const REMOVED_MESSAGE = "[a message that was removed, because its author is forgotten]";
/** Takes the place of the bot's answers to the person, which may repeat their words. */
export const REMOVED_ANSWER =
  "[an answer that was removed, because the person that it was for is forgotten]";

/** Takes the place of a tool's result with their words; its turn may go on. */
export const RESULT_NOT_KEPT =
  "[this call has ended; its result is not kept: a message in it was changed or removed]";

/** Shorter names may be words, so they are removed only after an `@`. */
const WORD_MIN = 4;

/** Prepares the removal of a person's traces. */
export function createScrubber(
  { userId, names, messages }: Pick<Person, "userId" | "names" | "messages">,
) {
  const id = RegExp.escape(userId);
  const words = [...names].filter((name) => name.length >= WORD_MIN)
    .toSorted((one, other) => other.length - one.length).map((name) => RegExp.escape(name));
  const marked = [...names].filter((name) => name !== "").map((name) => RegExp.escape(name));
  const ids = new RegExp(`(?<!\\d)\\d{1,20}(?!\\d)`, "g");
  const wordPattern = words.length === 0
    ? undefined
    : new RegExp(`(?<![\\p{L}\\p{N}_])(?:${words.join("|")})(?![\\p{L}\\p{N}_])`, "giu");
  const markedPattern = marked.length === 0
    ? undefined
    : new RegExp(`@(?:${marked.join("|")})(?![\\p{L}\\p{N}_])`, "giu");
  const shown = new RegExp(`@[^@()\\n"\\\\]{1,100} (?=\\(${id}\\))`, "g"); // any name of theirs
  const withIds = (text: string, blank: string): string =>
    text.replace(shown, `@${REMOVED} `)
      .replace(ids, (digits) => digits === userId || messages.has(digits) ? blank : digits);
  const withNames = (text: string): string => {
    const first = markedPattern ? text.replace(markedPattern, REMOVED) : text;
    return wordPattern ? first.replace(wordPattern, REMOVED) : first;
  };

  const text = (whole: string) => withNames(withIds(whole, REMOVED));

  return {
    /** Removes the person's id and names, and the ids of their messages. */
    text,
    /** The same for JSON of ours: ids become {@link BLANK_ID}, so that they stay valid. */
    json: (whole: string): string => withNames(withIds(whole, BLANK_ID)),
    /** Whether a text has a trace. */
    isIn: (whole: string): boolean => withNames(withIds(whole, REMOVED)) !== whole,
  };
}

/** Removes the traces of one person from texts. */
export type Scrubber = ReturnType<typeof createScrubber>;

/** The text of a column; empty if it has none. */
export const stringIn = (row: Readonly<Record<string, unknown>>, column: string): string =>
  String(row[column] ?? "");

/** Rewrites texts of a row; `undefined` if none changes. */
export function changed(
  row: Readonly<Record<string, unknown>>,
  columns: readonly string[],
  rewrite: (text: string, column: string) => string,
): Readonly<Record<string, unknown>> | undefined {
  const after = Object.fromEntries(
    columns.filter((column) => typeof row[column] === "string").map((column) =>
      [column, rewrite(stringIn(row, column), column)] as const
    ).filter(([column, text]) => text !== row[column]),
  );
  return Object.keys(after).length === 0 ? undefined : after;
}

/** A message of another person, or of an event: without the words of the forgotten one. */
function messageOf(text: string, { userId, sources }: Person, scrub: Scrubber): string {
  const message = JSON.parse(text);
  if (message.names) delete message.names[`@${userId}`];
  return scrub.json(JSON.stringify(withoutWords(message, sources, scrub.isIn)));
}

/** A message without words of others: quoted ones, forwarded ones, and those of an event. */
export function withoutWords(
  message: InboundMessage,
  sources: ReadonlySet<unknown>,
  isIn: (text: string) => boolean = () => false,
): InboundMessage {
  const { quoted, forwards, origin, extras, text } = message;
  const hooked = hookedOf(message);
  const isQuoted = quoted &&
    [quoted.id, quoted.author?.id, quoted.forwards].some((id) => sources.has(id));
  const isHooked = hooked && (hooked.of?.some((id) => sources.has(id)) || isIn(text));
  if (!isQuoted && !isHooked && !sources.has(forwards)) return message;
  return {
    ...message,
    ...isQuoted && { quoted: { id: quoted.id, text: "" } },
    ...sources.has(forwards) && {
      attachments: undefined,
      extras: extras.filter(({ kind }) => kind !== "forward"),
    },
    ...isHooked && { text: REMOVED, origin: { ...origin, post: REMOVED } as Origin },
  };
}

/** How rows with a message of another person lose the traces. */
export const messageRows = (other: string): RowChange => ({
  columns: ["message", other],
  row: (row, person, scrub) =>
    changed(
      row,
      ["message", other],
      (text, column) => column === "message" ? messageOf(text, person, scrub) : scrub.json(text),
    ),
});

/** A card about the person repeats their words, such as a command (A1). */
export function withoutCard(text: string, scrub: Scrubber): string {
  const message = JSON.parse(text);
  if (!message.card || !scrub.isIn(text)) return text;
  const { card: _card, buttons: _buttons, menus: _menus, footer: _footer, ...rest } = message;
  return JSON.stringify({ ...rest, content: REMOVED_ANSWER });
}
