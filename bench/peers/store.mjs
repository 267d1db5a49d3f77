/**
 * The least store that keeps the promise "accepted is answered": a message is on disk before the
 * model is asked, and its answer before it is sent. What was sent is noted with the next commit. Each
 * ignored message leaves a row.
 */

import { Database } from "bun:sqlite";
import { join } from "node:path";
import process from "node:process";

const HISTORY = 20;
/** Ignored messages that one commit stores, unless another commit comes first. */
const IGNORED = 500;

const db = new Database(join(process.env.BENCH_DATA_DIR, "bot.sqlite"));
db.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE message(id TEXT PRIMARY KEY, channel TEXT, author TEXT, content TEXT) WITHOUT ROWID;
  CREATE INDEX of_channel ON message(channel, id);
  CREATE TABLE answer(id TEXT PRIMARY KEY, channel TEXT, content TEXT, sent TEXT) WITHOUT ROWID;
  CREATE TABLE verdict(id TEXT PRIMARY KEY, why INTEGER) WITHOUT ROWID;
`);
const addMessage = db.prepare("INSERT OR IGNORE INTO message VALUES(?, ?, ?, ?)");
const lastOf = db.prepare(
  `SELECT content FROM message WHERE channel = ? AND id <= ? ORDER BY id DESC LIMIT ${HISTORY}`,
);
const addAnswer = db.prepare("INSERT OR IGNORE INTO answer VALUES(?, ?, ?, NULL)");
const setSent = db.prepare("UPDATE answer SET sent = ? WHERE id = ?");
const addVerdict = db.prepare("INSERT OR IGNORE INTO verdict VALUES(?, 1)");

let sent = [];
let ignored = [];

function flush() {
  for (const [id, sentId] of sent) setSent.run(sentId, id);
  sent = [];
  for (const id of ignored) addVerdict.run(id);
  ignored = [];
}

/** All that asks for the disk in one turn of the event loop shares one transaction. */
let group;

function commit(job) {
  if (!group) {
    const jobs = [];
    const end = new Promise((resolve) =>
      setImmediate(() => {
        group = undefined;
        db.transaction(() => {
          flush();
          for (const job of jobs) job();
        })();
        resolve();
      })
    );
    group = { jobs, end };
  }
  group.jobs.push(job);
  return group.end;
}

/** Stores a message; resolves with the last texts of its channel, oldest first. */
export async function accept({ id, channel, author, content }) {
  await commit(() => addMessage.run(id, channel, author, content));
  return lastOf.all(channel, id).map((row) => row.content).reverse();
}

/** Stores the answer to a message. */
export function keep({ id, channel }, text) {
  return commit(() => addAnswer.run(id, channel, text));
}

/** Notes the answer's id at Discord, with the next commit. */
export function note({ id }, sentId) {
  sent.push([id, sentId]);
}

/** Notes that a message was ignored. */
export function ignore(id) {
  if (ignored.push(id) >= IGNORED) db.transaction(flush)();
}
