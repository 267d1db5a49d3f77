/**
 * Simulates a disk whose power fails: synced data stays, and any part of the rest may stay.
 *
 * The rules are the strictest that a file system may have. Bytes are durable once their file is
 * synced; a created or removed name is durable once its directory is. Unsynced data may have
 * reached the disk nevertheless, page by page and in any order, each page as of any moment since.
 */

import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import type { Syscall } from "./syscall_log.ts";

/** Size of the unit that a kernel writes back. */
const PAGE_BYTES = 4_096;

/** Files by their paths. */
export type Files = ReadonlyMap<string, Buffer>;

export interface Disk {
  /** Applies an operation. For a sync, `false` means that the disk ignores it. */
  apply(syscall: Syscall, heedsSync?: boolean): void;
  /**
   * The files after a power cut at this moment.
   *
   * @param random Chooses the pages that were already written back; without it, none were.
   */
  afterCut(random?: () => number): Files;
}

type Change =
  | { readonly kind: "write"; readonly at: number; readonly data: Buffer }
  | { readonly kind: "truncate"; readonly size: number };

/** A file independent of its name: it survives a rename or a removal while open. */
interface Content {
  synced: Buffer;
  unsynced: Change[];
}

type Renaming =
  | { readonly kind: "link"; readonly path: string; readonly content: Content }
  | { readonly kind: "unlink"; readonly path: string };

/**
 * Creates a disk.
 *
 * @param initial Durable content.
 */
export function createDisk(initial: Files = new Map()): Disk {
  const synced = new Map<string, Content>(
    [...initial].map(([path, bytes]) => [path, { synced: bytes, unsynced: [] }]),
  );
  const current = new Map(synced);
  let unsynced: Renaming[] = [];

  const rename = (renaming: Renaming) => {
    carryOut(current, renaming);
    unsynced.push(renaming);
  };
  const sync = (path: string) => {
    const content = current.get(path);
    if (content) {
      content.synced = changed(content.synced, content.unsynced);
      content.unsynced = [];
    }
    const later: Renaming[] = [];
    for (const renaming of unsynced) {
      if (dirname(renaming.path) === path) carryOut(synced, renaming);
      else later.push(renaming);
    }
    unsynced = later;
  };

  return {
    apply(syscall, heedsSync = true) {
      switch (syscall.kind) {
        case "sync":
          if (heedsSync) sync(syscall.path);
          return;
        case "create":
          if (current.has(syscall.path)) return;
          return rename({
            kind: "link",
            path: syscall.path,
            content: { synced: Buffer.alloc(0), unsynced: [] },
          });
        case "unlink":
          return rename({ kind: "unlink", path: syscall.path });
        case "rename": {
          const content = current.get(syscall.path);
          if (!content) return;
          rename({ kind: "link", path: syscall.to, content });
          return rename({ kind: "unlink", path: syscall.path });
        }
        case "write":
        case "truncate":
          current.get(syscall.path)?.unsynced.push(syscall);
      }
    },
    afterCut(random) {
      if (!random) return new Map([...synced].map(([path, content]) => [path, content.synced]));
      const names = new Map(synced);
      const kept = unsynced.slice(0, Math.floor(random() * (unsynced.length + 1))); // a journal's order
      for (const renaming of kept) carryOut(names, renaming);
      return new Map([...names].map(([path, content]) => [path, partlyWritten(content, random)]));
    },
  };
}

function carryOut(names: Map<string, Content>, renaming: Renaming): void {
  if (renaming.kind === "link") names.set(renaming.path, renaming.content);
  else names.delete(renaming.path);
}

/** The bytes after some changes, as a copy, because synced bytes are shared. */
function changed(bytes: Buffer, changes: readonly Change[]): Buffer {
  const ends = changes.map((change) =>
    change.kind === "truncate" ? change.size : change.at + change.data.length
  );
  const target = Buffer.alloc(Math.max(bytes.length, ...ends));
  bytes.copy(target);
  let size = bytes.length;
  for (const change of changes) {
    if (change.kind === "truncate") {
      target.fill(0, change.size);
      size = change.size;
    } else {
      change.data.copy(target, change.at);
      size = Math.max(size, change.at + change.data.length);
    }
  }
  return target.subarray(0, size);
}

/** The content of a file with half of its pages written back at some moment since the last sync. */
function partlyWritten({ synced, unsynced }: Content, random: () => number): Buffer {
  const pieces = unsynced.flatMap((change): readonly Change[] =>
    change.kind === "write" ? inPages(change) : [change]
  );
  const versions = new Map<number, number>();
  for (const piece of pieces) {
    if (piece.kind === "write") versions.set(pageOf(piece), (versions.get(pageOf(piece)) ?? 0) + 1);
  }
  const kept = new Map(
    [...versions].map(([page, count]) => [
      page,
      random() < 0.5 ? 0 : 1 + Math.floor(random() * count),
    ]),
  );
  const isKept = (piece: Change): boolean => {
    if (piece.kind === "truncate") return random() < 0.5;
    const left = kept.get(pageOf(piece)) ?? 0;
    kept.set(pageOf(piece), left - 1);
    return left > 0;
  };
  return changed(synced, pieces.filter(isKept));
}

type Write = Extract<Change, { kind: "write" }>;

const pageOf = ({ at }: Write): number => Math.floor(at / PAGE_BYTES);

function inPages({ at, data }: Write): readonly Write[] {
  const pieces: Write[] = [];
  for (let from = 0; from < data.length;) {
    const size = Math.min(PAGE_BYTES - (at + from) % PAGE_BYTES, data.length - from);
    pieces.push({ kind: "write", at: at + from, data: data.subarray(from, from + size) });
    from += size;
  }
  return pieces;
}
