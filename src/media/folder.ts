/**
 * Keeps files of people in the data directory, so that a later turn, or one after a crash, does
 * not read them from Discord again.
 *
 * A file stands in the folder of the message whose turn reads it. Its name has the ids of its author
 * and of Discord's file, and an ending by its content. No word of a person gets into a path
 * (SEC-R24).
 */

import { constants } from "node:fs";
import { lstat, mkdir, open, readdir, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import {
  createdAtMs,
  type MessageId,
  parseSnowflake,
  type Snowflake,
  type UserId,
} from "../core/discord/ids.ts";
import { DAY_MS } from "../lib/clock.ts";
import { codeOf } from "../lib/errors.ts";

interface KeptFile {
  /** Absent if unknown. */
  readonly authorId?: UserId;
  readonly fileId: Snowflake<"attachment">;
  /** Ending by content: `"png"`. */
  readonly ending: string;
  readonly path: string;
}

const FILE = /^(\d{1,20})-(\d{1,20})\.([a-z0-9]{1,10})$/;
/** Stands for an unknown author. */
const NO_AUTHOR = "0";

/** Creates the keeper of a folder, which need not exist yet. */
export function createMediaFolder(root: string) {
  async function namesIn(folder: string): Promise<readonly string[]> {
    try {
      return await readdir(folder);
    } catch {
      return []; // the folder does not exist, or cannot be read: nothing is kept
    }
  }

  return {
    /** The kept files of a message; none if the disk fails. */
    async list(messageId: MessageId): Promise<readonly KeptFile[]> {
      const folder = join(root, messageId);
      return (await namesIn(folder)).flatMap((name) => {
        const [, author = "", id = "", ending = ""] = FILE.exec(name) ?? [];
        const fileId = parseSnowflake<"attachment">(id);
        const authorId = parseSnowflake<"user">(author) || undefined;
        return fileId ? [{ authorId, fileId, ending, path: join(folder, name) }] : [];
      });
    },
    /** Reads a kept file of at most `maxBytes`; `undefined` if it is larger, or gone. */
    async read({ path }: KeptFile, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
      try {
        const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
        try {
          const { size } = await file.stat();
          return size > maxBytes ? undefined : new Uint8Array(await file.readFile());
        } finally {
          await file.close();
        }
      } catch {
        return undefined; // pruned meanwhile, or not readable: Discord may have it
      }
    },
    /**
     * Keeps a file, whole or not at all.
     *
     * @param ending 1 to 10 small letters and digits.
     * @throws {Error} If the disk refuses.
     */
    async keep(
      { messageId, authorId, fileId }: {
        readonly messageId: MessageId;
        /** Author of the file; absent if unknown. */
        readonly authorId?: UserId;
        readonly fileId: Snowflake<"attachment">;
      },
      ending: string,
      bytes: Uint8Array,
    ): Promise<void> {
      if (!/^[a-z0-9]{1,10}$/.test(ending)) throw new RangeError("Cannot keep a file: odd ending");
      const folder = join(root, messageId);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is no folder`);
      const part = join(folder, `${fileId}.part`);
      await rm(part, { force: true }); // of a process that died
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL |
        constants.O_NOFOLLOW;
      const file = await open(part, flags, 0o600);
      try {
        await file.writeFile(bytes);
      } finally {
        await file.close();
      }
      await rename(part, join(folder, `${authorId ?? NO_AUTHOR}-${fileId}.${ending}`));
    },
    /** Deletes the files of messages older than the given days. */
    async prune(now: number, days: number): Promise<void> {
      for (const name of await namesIn(root)) {
        const messageId = parseSnowflake<"message">(name);
        if (messageId && createdAtMs(messageId) >= now - days * DAY_MS) continue;
        await rm(join(root, name), { recursive: true, force: true });
      }
    },
    /** Deletes all files of an author, those that may be theirs, and folders that are empty then (X5). */
    async forget(authorId: UserId): Promise<void> {
      for (const folder of await namesIn(root)) {
        for (const name of await namesIn(join(root, folder))) {
          if (![authorId, NO_AUTHOR].includes(FILE.exec(name)?.[1] ?? "")) continue;
          await rm(join(root, folder, name)).catch((error: unknown) => {
            if (codeOf(error) !== "ENOENT") throw error;
          });
        }
        await rmdir(join(root, folder)).catch(() => {}); // with files of others, it stays
      }
    },
  };
}

export type MediaFolder = ReturnType<typeof createMediaFolder>;
