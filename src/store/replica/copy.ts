/**
 * Keeps a file of a standby equal to the pages in PostgreSQL.
 *
 * While another process owns the store, the file may mix pages of several commits: it is no database
 * yet, and has another name. It is one once the lease is ours, since then no page changes any more.
 */

import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { PAGES_AT_ONCE, type Remote, type RemotePage } from "./remote.ts";
import { PAGE_BYTES, type PageChange } from "./wal.ts";

/** Name of the file: no command takes it for the store. */
export const COPY_NAME = "standby.db";

/** Hash of a page, as PostgreSQL computes it. */
const hashOf = (page: Uint8Array): string => createHash("sha256").update(page).digest("hex");

/** Reads a page; shorter at the end of the file. */
function readPage(descriptor: number, number: number): Uint8Array {
  const page = Buffer.alloc(PAGE_BYTES);
  return page.subarray(0, readSync(descriptor, page, 0, PAGE_BYTES, (number - 1) * PAGE_BYTES));
}

/** The page for SQLite's locks, at 1 GiB: it has no content, and no commit changes it. */
const LOCK_PAGE = 2 ** 30 / PAGE_BYTES + 1;

/** Compares a file with PostgreSQL by hashes. Yields each page number that differs, in order. */
async function* differences(
  descriptor: number,
  remote: Pick<Remote, "hashes">,
): AsyncGenerator<number> {
  for (let after = 0;;) {
    const hashes = await remote.hashes(after);
    for (const { number, hash } of hashes) {
      for (let lacking = after + 1; lacking < number; lacking++) {
        if (lacking !== LOCK_PAGE) yield lacking;
      }
      if (hashOf(readPage(descriptor, number)) !== hash) yield number;
      after = number;
    }
    if (hashes.length === 0) {
      const count = Math.ceil(fstatSync(descriptor).size / PAGE_BYTES);
      while (after < count) yield ++after;
      return;
    }
  }
}

/**
 * Finds the pages of a closed database that PostgreSQL lacks: nothing, if both are equal.
 *
 * PostgreSQL gets all of them in one change, for another process may take over at any moment. The
 * first copy of a store comes in parts, because its number of pages makes it a store: that comes
 * last. So it takes little memory, and goes on after an interruption where it was.
 *
 * @param path Path of the database file, with an empty log.
 * @param stored Number of pages in PostgreSQL; 0: it has no store yet.
 */
export async function* lackingPages(
  path: string,
  remote: Pick<Remote, "hashes">,
  stored: number,
): AsyncGenerator<PageChange> {
  const descriptor = openSync(path, "r");
  try {
    let pages = new Map<number, Uint8Array>();
    const pageCount = fstatSync(descriptor).size / PAGE_BYTES;
    for await (const number of differences(descriptor, remote)) {
      if (number <= pageCount) pages.set(number, readPage(descriptor, number));
      if (stored > 0 || pages.size < PAGES_AT_ONCE) continue;
      yield { pages };
      pages = new Map();
    }
    if (pages.size > 0 || pageCount !== stored) yield { pages, pageCount };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Opens the file, and creates it if there is none.
 *
 * @param path Path of the copy.
 */
export function openCopy(path: string, remote: Pick<Remote, "hashes" | "pages" | "changedSince">) {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  let last: Pick<RemotePage, "sequence" | "number"> | undefined;

  function write(pages: readonly RemotePage[]): void {
    for (const { number, bytes } of pages) {
      writeSync(descriptor, bytes, 0, PAGE_BYTES, (number - 1) * PAGE_BYTES);
    }
  }

  return {
    /**
     * Makes the file equal to a store that has not changed yet.
     *
     * @param sequence The store's, read before.
     */
    async compare(sequence: number): Promise<void> {
      let numbers: number[] = [];
      const get = async () => {
        if (numbers.length > 0) write(await remote.pages(numbers));
        numbers = [];
      };
      for await (const number of differences(descriptor, remote)) {
        if (numbers.push(number) === PAGES_AT_ONCE) await get();
      }
      await get();
      last = { sequence, number: 2 ** 31 - 1 };
    },
    /**
     * Writes the pages that have changed since.
     *
     * @returns Their number.
     */
    async update(): Promise<number> {
      if (!last) throw new TypeError("A copy is compared before it is updated");
      for (let count = 0;;) {
        const pages = await remote.changedSince(last);
        write(pages);
        last = pages.at(-1) ?? last;
        count += pages.length;
        if (pages.length < PAGES_AT_ONCE) return count;
      }
    },
    /** The schema of the database, which SQLite's header names at byte 60. */
    schema: (): number => Buffer.from(readPage(descriptor, 1)).readUInt32BE(60),
    /** The last change in the file; `undefined` before it was compared. */
    sequence: (): number | undefined => last?.sequence,
    /**
     * Finishes the file, and waits for the disk.
     *
     * @param pageCount The store's number of pages.
     */
    finish(pageCount: number): void {
      ftruncateSync(descriptor, pageCount * PAGE_BYTES);
      fsyncSync(descriptor);
    },
    close: () => closeSync(descriptor),
  };
}

export type Copy = ReturnType<typeof openCopy>;
