/**
 * Keeps files of people in a bucket, with a copy on this machine (O17).
 *
 * Only the owner of a message's partition keeps files for it, and none of them changes. So the list of
 * the bucket is read once after each takeover. A file that the bucket does not take has a note on the
 * disk until it does. The bucket decides what is kept: a file here that it lacks, and that has no note,
 * was forgotten or is too old.
 */

import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createdAtMs, type MessageId, parseSnowflake, type UserId } from "../core/discord/ids.ts";
import { type Clock, DAY_MS, type StartTimer } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import {
  createMediaFolder,
  type FilePlace,
  type KeptFile,
  type MediaFolder,
} from "../media/folder.ts";
import type { ObjectStore } from "./bucket.ts";
import { BucketError } from "./bucket_error.ts";
import { FORGET_NAME } from "./place_record.ts";

/** The files, with the work that waits. */
export interface SharedMedia extends MediaFolder {
  /** Another process may have kept files since the last look: looks again before the next read. */
  renew(): void;
  /** Sends and deletes what the bucket has not taken yet. Never rejects. */
  catchUp(): Promise<void>;
  /** Why files stay on this machine for now; `undefined` if none does. */
  problem(): string | undefined;
}

/** `media/<message>/<author>-<file>.<ending>`, as this program writes it. */
const KEY = /^media\/(\d{1,20})\/((\d{1,20})-(\d{1,20})\.([a-z0-9]{1,10}))$/;
const NOTE = /^(\d{1,20})_(\d{1,20}-\d{1,20}\.[a-z0-9]{1,10})$/;
const NOTES_NAME = "pending";
/** Pages that are kept in memory: 200,000 files. */
const PAGES = 200;
/** A file that is larger was never kept. */
const MAX_FILE_BYTES = 64 * 2 ** 20;
/** How long a turn waits for the bucket, in milliseconds. The work goes on without the turn. */
const WAIT_MS = 3_000;
/** Milliseconds without another try after the bucket did not answer. */
const AWAY_MS = 15_000;
/** Milliseconds after which a look begins to send no other file. */
const CATCH_UP_MS = 5_000;

/** Creates it. The function is long: its inner ones share one state. */
export function createSharedMedia(
  { root, folder, bucket, now, schedule, log }: Clock & {
    /** The copy on this machine. */
    readonly root: string;
    /** Folder for notes. */
    readonly folder: string;
    readonly bucket: ObjectStore;
    readonly schedule: StartTimer;
    readonly log: Log;
  },
): SharedMedia {
  const local = createMediaFolder(root);
  const notes = join(folder, NOTES_NAME);
  /** Names of the bucket's files by message; `undefined` if they must be read. */
  let index: Map<string, Set<string>> | undefined;
  /** What a list has found until now. A file that is sent meanwhile is added. */
  let coming: Map<string, Set<string>> | undefined;
  let reading: Promise<void> | undefined;
  let renewals = 0;
  let awayUntil = -Infinity;
  /** Why the bucket did not answer last. */
  let away: string | undefined;
  /** Reasons of work that the bucket refuses. Such files are sent last, so that they hold back no other. */
  const refused = new Map<string, string>();
  /** Files that are being kept, by author. A turn does not wait for the end of each. */
  const keeping = new Set<{ readonly author: string; readonly ended: Promise<unknown> }>();

  const keyOf = (messageId: string, name: string) => `media/${messageId}/${name}`;
  const nameOf = (
    { authorId, fileId }: Pick<FilePlace, "authorId" | "fileId">,
    end: string,
  ) => `${authorId ?? "0"}-${fileId}.${end}`;
  const noteOf = (messageId: string, name: string) => join(notes, `${messageId}_${name}`);

  /** Runs work that needs the bucket. @returns Whether the bucket has answered. */
  async function tried(work: () => Promise<void>): Promise<boolean> {
    if (now() < awayUntil) return false;
    try {
      await work();
      if (away !== undefined) log.info("The file store answers again");
      away = undefined;
      return true;
    } catch (error) {
      if (!(error instanceof BucketError)) throw error;
      awayUntil = now() + AWAY_MS;
      if (away === undefined) {
        log.warn("Kept files stay on this machine for now", { error: error.message });
      }
      away = error.message;
      return false;
    }
  }

  async function* pages(limit: number) {
    for await (const page of bucket.list("media/", limit)) {
      yield page.flatMap(({ key }) => {
        const [, message = "", name = "", author = ""] = KEY.exec(key) ?? [];
        const messageId = parseSnowflake<"message">(message);
        return messageId ? [{ key, messageId, name, author }] : [];
      });
    }
  }

  /** All of them: a deletion that stopped at a limit would leave files of a forgotten person. */
  async function* allKeys() {
    for await (const page of pages(Infinity)) yield* page;
  }

  async function readIndex(): Promise<void> {
    await tried(async () => {
      let begun: number;
      do {
        begun = renewals;
        const found = coming = new Map<string, Set<string>>();
        let count = 0;
        for await (const page of pages(PAGES)) {
          count++;
          for (const { messageId, name } of page) add(found, messageId, name);
        }
        const isWhole = count < PAGES; // a list that is cut lacks files that are there
        if (isWhole && begun === renewals) await dropForgotten(found);
      } while (begun !== renewals); // another process has kept files since the list began
      index = coming;
    });
    coming = undefined;
  }

  /** Deletes files here that the bucket lacks. A note goes after its file is in the index. */
  async function dropForgotten(found: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> {
    for await (const { path, messageId, name } of filesIn(root)) {
      if (await stat(noteOf(messageId, name)).catch(() => undefined)) continue;
      if (!found.get(messageId)?.has(name)) await rm(path, { force: true });
    }
  }

  const indexed = async () => {
    if (index) return;
    await (reading ??= readIndex().finally(() => reading = undefined));
  };

  /** Waits for work that need not be done now. A failure of the disk is in the log. */
  async function forAWhile(work: Promise<unknown>): Promise<void> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const cancel = schedule(resolve, WAIT_MS);
    const watched = work.catch((error: unknown) =>
      log.warn("Cannot bring kept files to the file store", { error })
    );
    await Promise.race([watched, over]);
    cancel();
  }

  /** Reads a file of the bucket; `undefined` if it is gone, damaged, or too large for its reader. */
  async function bytesOf(key: string, maxBytes: number) {
    try {
      const found = await bucket.get(key, maxBytes);
      return found === "same" ? undefined : found?.bytes;
    } catch (error) {
      if (error instanceof BucketError && error.kind === "damaged") return undefined; // this one only
      throw error;
    }
  }

  /** Lets a deletion wait for the work. */
  async function tracked(name: string, work: Promise<unknown>): Promise<void> {
    const one = { author: name.slice(0, name.indexOf("-")), ended: work };
    keeping.add(one);
    await work.finally(() => keeping.delete(one));
  }

  async function send(messageId: string, name: string): Promise<void> {
    const bytes = await readFile(join(root, messageId, name)).catch(() => undefined);
    if (bytes) {
      await bucket.put(keyOf(messageId, name), new Uint8Array(bytes));
      for (const names of [index, coming]) if (names) add(names, messageId, name);
    }
    await rm(noteOf(messageId, name), { force: true });
  }

  /** Notes a refusal of the bucket, which must not hold back other work. @returns Whether it took the work. */
  async function unlessRefused(name: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      refused.delete(name);
      return true;
    } catch (error) {
      if (!(error instanceof BucketError) || error.kind === "away") throw error;
      if (refused.size === 0) {
        log.warn("The file store refuses a change of kept files; it is tried again later", {
          error: error.message,
        });
      }
      refused.set(name, error.message);
      return false;
    }
  }

  /** Sends a file, if the bucket answers. @returns Whether the bucket has answered. */
  function trySend(messageId: string, name: string): Promise<boolean> {
    return tried(async () => {
      await unlessRefused(
        `${messageId}_${name}`,
        () => tracked(name, send(messageId, name)),
      );
    });
  }

  /** Deletes files of a person, also one that arrives there only now, and its copy here. */
  async function forgetObjects(userId: string, before: number): Promise<void> {
    const begun = Array.from(keeping).filter(({ author }) => author === userId);
    await Promise.allSettled(begun.map(({ ended }) => ended));
    for await (const { key, messageId, name, author } of allKeys()) {
      if (author !== userId || createdAtMs(messageId) > before) continue;
      await bucket.remove(key);
      for (const names of [index, coming]) names?.get(messageId)?.delete(name);
    }
    for await (const { path, messageId, author } of filesIn(root)) {
      if (author === userId && createdAtMs(messageId) <= before) await rm(path, { force: true });
    }
  }

  async function catchUp(): Promise<void> {
    const until = now() + CATCH_UP_MS;
    try {
      const marks = join(folder, FORGET_NAME);
      for (const userId of await namesIn(marks)) {
        const mark = join(marks, userId);
        const { mtimeMs } = await stat(mark);
        await tried(async () => {
          const isDone = await unlessRefused(mark, () => forgetObjects(userId, mtimeMs));
          if (isDone) await rm(mark, { force: true });
        });
      }
      const written = await namesIn(notes);
      for (const note of refused.keys()) {
        if (NOTE.test(note) && !written.includes(note)) refused.delete(note);
      }
      const isRefused = (note: string) => Number(refused.has(note));
      for (const note of written.toSorted((one, other) => isRefused(one) - isRefused(other))) {
        const [, messageId, name] = NOTE.exec(note) ?? [];
        if (messageId === undefined || name === undefined) await rm(join(notes, note));
        else if (!await trySend(messageId, name)) return;
        if (now() >= until) return; // the next look goes on
      }
    } catch (error) {
      log.warn("Cannot bring kept files to the file store", { error });
    }
  }

  return {
    async list(messageId) {
      await forAWhile(indexed()); // first: it deletes forgotten files here
      const here = await local.list(messageId);
      const known = new Set(here.map((file) => nameOf(file, file.ending)));
      const others = [...index?.get(messageId) ?? []].filter((name) => !known.has(name));
      return [...here, ...others.flatMap((name) => fileOf(root, messageId, name) ?? [])];
    },
    async read(file, maxBytes) {
      const here = await local.read(file, maxBytes);
      if (here || await stat(file.path).catch(() => undefined)) return here;
      const [messageId = "", name = ""] = file.path.split(/[/\\]/).slice(-2);
      const id = parseSnowflake<"message">(messageId);
      if (!id || !index?.get(id)?.has(name)) return undefined;
      let bytes: Uint8Array<ArrayBuffer> | undefined;
      await forAWhile(tried(async () => {
        bytes = await bytesOf(keyOf(id, name), Math.min(maxBytes, MAX_FILE_BYTES));
      }));
      if (bytes) {
        await local.keep({ ...file, messageId: id }, file.ending, bytes).catch((error: unknown) =>
          log.warn("Cannot keep a copy of a file", { error })
        );
      }
      return bytes;
    },
    async keep(place, ending, bytes) {
      const name = nameOf(place, ending);
      const stored = (async () => {
        await writeNote(notes, place.messageId, name); // first: a file without one, that the bucket lacks, is deleted
        await local.keep(place, ending, bytes);
      })();
      const sent = tracked(
        name,
        stored.then(
          () => trySend(place.messageId, name),
          () => {}, // the caller gets it
        ),
      );
      await stored;
      await forAWhile(sent);
    },
    async prune(at, days) {
      await local.prune(at, days);
      await tried(async () => {
        for await (const { key, messageId } of allKeys()) {
          if (createdAtMs(messageId) >= at - days * DAY_MS) continue;
          await bucket.remove(key);
          index?.delete(messageId);
        }
      });
    },
    async forget(userId: UserId) {
      await local.forget(userId);
      const marks = join(folder, FORGET_NAME);
      await mkdir(marks, { recursive: true, mode: 0o700 });
      await writeFile(join(marks, userId), "", { mode: 0o600 });
      await catchUp();
    },
    renew() {
      index = undefined;
      renewals++;
    },
    catchUp,
    problem: () => away ?? refused.values().next().value,
  };
}

/** Notes that the bucket lacks all files that are here, because the place is new. */
export async function adoptKept(root: string, folder: string): Promise<void> {
  for await (const { messageId, name } of filesIn(root)) {
    await writeNote(join(folder, NOTES_NAME), messageId, name);
  }
}

/** Files of people below a folder of this machine. */
async function* filesIn(root: string) {
  for (const message of await namesIn(root)) {
    for (const file of await namesIn(join(root, message))) {
      const [, id = "", name = "", author = ""] = KEY.exec(`media/${message}/${file}`) ?? [];
      const messageId = parseSnowflake<"message">(id);
      if (messageId) yield { path: join(root, message, name), messageId, name, author };
    }
  }
}

async function writeNote(notes: string, messageId: string, name: string): Promise<void> {
  await mkdir(notes, { recursive: true, mode: 0o700 });
  await writeFile(join(notes, `${messageId}_${name}`), "", { mode: 0o600 });
}

function add(index: Map<string, Set<string>>, messageId: string, name: string): void {
  const names = index.get(messageId) ?? new Set();
  index.set(messageId, names.add(name));
}

function fileOf(root: string, messageId: MessageId, name: string): KeptFile | undefined {
  const [, , , author = "", id = "", ending = ""] = KEY.exec(`media/${messageId}/${name}`) ?? [];
  const fileId = parseSnowflake<"attachment">(id);
  const authorId = parseSnowflake<"user">(author) || undefined;
  return fileId && { authorId, fileId, ending, path: join(root, messageId, name) };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch(() => []); // it does not exist yet
}
