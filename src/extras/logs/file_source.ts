/**
 * Reads a log from its file and the older ones beside it, and follows it while it is replaced or
 * emptied.
 */

import { Buffer } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { logFilesOf } from "../../host/files/log_file.ts";
import { LINE_MAX_CHARS, LineDivider, parseLine, type ReadLine } from "./lines.ts";
import type { LogSource } from "./source.ts";

const CHUNK_BYTES = 64 * 1_024;

/** Milliseconds between two looks at a file that is followed. */
const LOOK_MS = 200;

const untilNextLook = (signal: AbortSignal): Promise<void> =>
  sleep(LOOK_MS, undefined, { signal }).catch(() => {});

const NEWLINE = 10;

interface OpenLog {
  readonly fd: number;
  readonly inode: number;
  readonly size: number;
}

/**
 * Opens a log.
 *
 * @param path Of its newest file, which exists.
 * @param wait Waits between two looks at a file that is followed.
 */
export function fileSource(path: string, wait = untilNextLook): LogSource {
  let newest = openFile(path);
  let position = newest?.size ?? 0;

  async function* follow(signal: AbortSignal): AsyncIterable<ReadLine> {
    const divider = new LineDivider();
    while (!signal.aborted) {
      if (newest) {
        for (const bytes of chunks(newest.fd, position)) {
          position += bytes.length;
          yield* divider.push(bytes).map(parseLine);
        }
      }
      const now = statSync(path, { throwIfNoEntry: false });
      const isFile = now?.isFile() === true; // a pipe would be waited for
      if (isFile && now.ino !== newest?.inode) {
        if (newest) closeSync(newest.fd); // its last lines are read
        newest = openFile(path);
        position = 0;
      } else {
        if (isFile && now.size < position) position = 0;
        await wait(signal);
      }
    }
  }

  return {
    name: path,
    async *newestFirst() {
      const [, ...older] = logFilesOf(path);
      if (newest) {
        const whole = wholeLines(newest);
        position = whole; // a line without an end is read by `follow`, or below
        if (whole < newest.size) {
          const rest = new LineDivider();
          for (const bytes of chunks(newest.fd, whole, newest.size)) rest.push(bytes);
          const last = rest.end();
          if (last !== undefined) yield { ...parseLine(last), isOpen: true as const };
        }
        yield* backwards(newest, whole);
      }
      for (const file of older) {
        const opened = openFile(file);
        if (!opened) return;
        yield* backwards(opened, opened.size);
        closeSync(opened.fd);
      }
    },
    from(since) {
      const files = logFilesOf(path).filter((file) => {
        const changed = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
        return changed !== undefined && changed >= (since ?? 0);
      });
      return forwards(files.toReversed().flatMap((file) => openFile(file) ?? []));
    },
    follow,
  };
}

async function* forwards(files: readonly OpenLog[]): AsyncIterable<ReadLine> {
  for (const { fd } of files) {
    const divider = new LineDivider();
    for (const bytes of chunks(fd, 0)) yield* divider.push(bytes).map(parseLine);
    const last = divider.end();
    if (last !== undefined) yield parseLine(last);
    closeSync(fd);
  }
}

/** Opens a file; `undefined` if there is none, or something else in its place. */
function openFile(path: string): OpenLog | undefined {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return undefined;
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  const stats = fstatSync(fd);
  if (stats.isFile()) return { fd, inode: stats.ino, size: stats.size };
  closeSync(fd);
  return undefined;
}

/** The bytes of a file from a position on; the caller must not keep a chunk. */
function* chunks(fd: number, start: number, end: number = Infinity): Iterable<Uint8Array> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let at = start; at < end;) {
    const read = readSync(fd, chunk, 0, Math.min(CHUNK_BYTES, end - at), at);
    if (read === 0) return;
    at += read;
    yield chunk.subarray(0, read);
  }
}

/** Where the last line without an end begins; a long one counts as ended. */
function wholeLines({ fd, size }: OpenLog): number {
  const start = Math.max(0, size - LINE_MAX_CHARS);
  let end = start === 0 ? 0 : size;
  let at = start;
  for (const bytes of chunks(fd, start, size)) {
    const last = bytes.lastIndexOf(NEWLINE);
    if (last !== -1) end = at + last + 1;
    at += bytes.length;
  }
  return end;
}

/** The lines before a position, the newest first. */
function* backwards({ fd }: OpenLog, end: number): Iterable<ReadLine> {
  /** The beginning of the line that the chunk before must complete. */
  let rest = Buffer.alloc(0);
  for (let from = end; from > 0;) {
    const start = Math.max(0, from - CHUNK_BYTES);
    const chunk = Buffer.alloc(from - start);
    readSync(fd, chunk, 0, chunk.length, start);
    from = start;
    let lineEnd = chunk.length;
    for (let at = chunk.lastIndexOf(NEWLINE); at !== -1;) {
      yield* lineOf(Buffer.concat([chunk.subarray(at + 1, lineEnd), rest]));
      rest = Buffer.alloc(0);
      lineEnd = at;
      at = at === 0 ? -1 : chunk.lastIndexOf(NEWLINE, at - 1);
    }
    // Only the head of a line that is too long is kept.
    rest = Buffer.concat([chunk.subarray(0, lineEnd), rest]).subarray(0, LINE_MAX_CHARS * 4);
  }
  yield* lineOf(rest);
}

function* lineOf(bytes: Uint8Array): Iterable<ReadLine> {
  if (bytes.length === 0) return;
  const divider = new LineDivider();
  const [line = divider.end() ?? ""] = divider.push(bytes);
  if (line !== "") yield parseLine(line);
}
