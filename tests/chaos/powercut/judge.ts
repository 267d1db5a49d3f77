/**
 * Judges the cost of a power cut: compares the recovered store with Discord's knowledge at that
 * moment.
 *
 * It reads the rows directly, not through the store's own code, because that code is under test.
 */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import type { Files } from "./disk.ts";
import type { InSession, Wire } from "./wire.ts";
import { LATE_MS } from "../../../src/store/gateway/gateway.ts";

/** A message to the bot that needs an answer. */
export interface Question {
  readonly messageId: string;
  /** Unix time in milliseconds. */
  readonly sentAt: number;
  /** The session that delivers it, and no other does. */
  readonly words: string;
  /** Whether only the gateway can reveal its channel: a user's first direct message. */
  readonly isFirstDirect: boolean;
}

/** The events outside the bot up to the power cut. */
export interface Outside {
  readonly wire: Wire;
  readonly questions: readonly Question[];
  /** Index in the log; earlier calls were made. */
  readonly cut: number;
}

/** The state of each question after the cut, with the problems in words. */
export interface Verdict {
  /** In the inbox. */
  readonly kept: number;
  /** Delivered again by RESUME. */
  readonly replayed: number;
  /** Found by catch-up. */
  readonly missed: number;
  /**
   * Whether Discord was told a later number than the disk has, and has forgotten the events up to
   * it.
   */
  readonly hasHole: boolean;
  readonly problems: readonly string[];
}

export interface JudgeOptions {
  /** Directory for the files; it is emptied first. */
  readonly dir: string;
  /** A control uses it to corrupt the rebuilt store. */
  readonly spoil?: (database: DatabaseSync) => void;
  /** A control sets `false`: the bot ignores a hole after a RESUME. */
  readonly seesHoles?: boolean;
}

const sessionSchema = z.object({
  session_id: z.string(),
  seq: z.number(),
  started_at: z.number(),
  stored_up_to: z.number(),
  catch_up_from: z.number().nullable(),
});
type StoredSession = z.infer<typeof sessionSchema>;

const outboxSchema = z.object({ state: z.string(), message: z.string() });
const frozenSchema = z.object({
  content: z.string(),
  of: z.object({ cause: z.string(), part: z.number() }).optional(),
});

const NOTHING = { kept: 0, replayed: 0, missed: 0, hasHole: false };

/** Writes the files, lets SQLite recover them, and compares. */
export function judgeCut(
  files: Files,
  outside: Outside,
  { dir, spoil, seesHoles = true }: JudgeOptions,
): Verdict {
  const path = layDown(files, dir);
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path);
  } catch (error) {
    return { ...NOTHING, problems: [`does not open: ${error}`] };
  }
  try {
    spoil?.(database);
    const integrity = database.prepare("PRAGMA integrity_check").get()?.["integrity_check"];
    const session = database
      .prepare("SELECT * FROM gateway_session WHERE session_id IS NOT NULL").get();
    const stored = session && sessionSchema.parse(session);
    const questions = judgeQuestions(database, outside, stored, seesHoles);
    return {
      ...questions,
      problems: [
        ...(integrity === "ok" ? [] : [`integrity: ${integrity}`]),
        ...judgePosts(database, outside),
        ...judgeBudget(database, outside),
        ...questions.problems,
      ],
    };
  } catch (error) {
    return { ...NOTHING, problems: [`cannot be read: ${error}`] };
  } finally {
    database.close();
  }
}

/** Writes the rebuilt files to a directory. SQLite rebuilds the index of the log from the log. */
function layDown(files: Files, dir: string): string {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  for (const [path, bytes] of files) {
    if (isOfStore(path)) writeFileSync(join(dir, basename(path)), bytes);
  }
  return join(dir, DATABASE_NAME);
}

/** Whether a path is the database or its log, and not its index in shared memory. */
export function isOfStore(path: string): boolean {
  return basename(path).startsWith(DATABASE_NAME) && !path.endsWith("-shm");
}

/** A sent request must be recorded as sent, or it is sent again when its nonce is forgotten. */
function judgePosts(database: DatabaseSync, { wire, cut }: Outside): readonly string[] {
  const row = database.prepare("SELECT state, message FROM outbox WHERE nonce = ?");
  const asked = database.prepare("SELECT state FROM inbox WHERE message_id = ?");
  const entries = database.prepare("SELECT count(*) AS n FROM entry WHERE message_id = ?");
  return wire.posts.filter(({ at }) => at < cut).flatMap(({ nonce, content }) => {
    const found = row.get(nonce);
    if (!found) return [`intent: a POST left that no row of the outbox is about (${nonce})`];
    const { state, message } = outboxSchema.parse(found);
    const frozen = frozenSchema.parse(JSON.parse(message));
    const answered = frozen.of?.part === 0 ? frozen.of.cause : undefined;
    return [
      ...(state === "pending" ? [`intent: a POST left, and its row waits (${nonce})`] : []),
      ...(frozen.content === content ? [] : [`frozen: another text than was sent (${nonce})`]),
      ...(answered === undefined ? [] : [
        ...(asked.get(answered)?.["state"] === "answered"
          ? []
          : [`turn: a POST left for a message that is not answered (${answered})`]),
        ...(Number(entries.get(answered)?.["n"]) > 0
          ? []
          : [`turn: a POST left that the transcript has not (${answered})`]),
      ]),
    ];
  });
}

/** A sent IDENTIFY is counted, or a machine with frequent power cuts exceeds the limit. */
function judgeBudget(database: DatabaseSync, { wire, cut }: Outside): readonly string[] {
  const counted = Number(database.prepare("SELECT count(*) AS n FROM identify").get()?.["n"]);
  const left = wire.identifies.filter((at) => at < cut).length;
  return counted < left ? [`budget: ${left} IDENTIFYs left, and ${counted} are counted`] : [];
}

/** Each question must be in the inbox, or come again: by RESUME, or by catch-up. */
function judgeQuestions(
  database: DatabaseSync,
  { wire, questions, cut }: Outside,
  stored: StoredSession | undefined,
  seesHoles: boolean,
) {
  const inbox = new Set(
    database.prepare("SELECT message_id FROM inbox").all().map((row) => row["message_id"]),
  );
  const order = wire.sessions.map(({ sessionId }) => sessionId);
  const storedIn = order.indexOf(stored?.session_id ?? "");
  const count = { kept: 0, replayed: 0, missed: 0 };
  const problems: string[] = [];
  // Discord may forget events that a heartbeat or a RESUME has acknowledged.
  const toldUpTo = Math.max(
    0,
    ...[...wire.beats, ...wire.resumes].flatMap(({ at, sessionId, seq }) =>
      at < cut && sessionId === stored?.session_id ? [seq] : []
    ),
  );
  const hasHole = stored !== undefined && toldUpTo > stored.seq;

  for (const question of questions) {
    const { messageId, words, isFirstDirect, sentAt } = question;
    if (inbox.has(messageId)) {
      count.kept += 1;
      continue;
    }
    const heard = wire.heard.filter((one) => one.messageId === messageId);
    const told = heard.some(({ sessionId, seq, at }) =>
      at < cut &&
      wire.beats.some((beat) => beat.at < cut && beat.sessionId === sessionId && beat.seq >= seq)
    );
    const asked = wire.prompts.some(({ at, text }) => at < cut && text.includes(words));
    if (isFirstDirect && (told || asked)) {
      problems.push(
        `direct: a user's first message was acknowledged, and is missing (${messageId})`,
      );
    }
    const inStored = heard.find(({ sessionId }) => sessionId === stored?.session_id);
    const lastHeardIn = heard.length === 0
      ? undefined
      : Math.max(...heard.map(({ sessionId }) => order.indexOf(sessionId)));
    // A successful RESUME does not deliver events from before the stored session.
    const isOlder = lastHeardIn === undefined
      ? sentAt < (stored?.started_at ?? 0)
      : lastHeardIn <= storedIn;
    // If the next start has to IDENTIFY, its gap begins at the end of the store.
    const beginsGap = inStored ? hasHole && seesHoles : !isOlder;
    const from = inStored && stored ? stored.stored_up_to - LATE_MS : stored?.stored_up_to;
    const gap = stored?.catch_up_from ?? (beginsGap ? from : undefined);
    if (inStored && inStored.seq > Math.max(stored?.seq ?? 0, toldUpTo)) count.replayed += 1;
    else if (gap !== undefined && gap <= sentAt && !(isFirstDirect && isOlder)) count.missed += 1;
    else problems.push(`lost: nothing brings back ${messageId} (${describe(inStored, stored)})`);
  }
  return { ...count, hasHole, problems };
}

function describe(heard: InSession | undefined, stored: StoredSession | undefined): string {
  const there = stored
    ? `stored ${stored.seq}, gap from ${stored.catch_up_from ?? "nowhere"}`
    : "no session is stored";
  return heard ? `number ${heard.seq}; ${there}` : there;
}
