import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { seeded } from "../../support/seeded.ts";
import { createDisk } from "./disk.ts";
import type { Syscall } from "./syscall_log.ts";

const FILE = "/data/barnacle.db";
const PAGE = 4_096;

const create = (path = FILE): Syscall => ({ kind: "create", path });
const sync = (path = FILE): Syscall => ({ kind: "sync", path });
const write = (text: string, at = 0, path = FILE): Syscall => ({
  kind: "write",
  path,
  at,
  data: Buffer.from(text),
});

/** The files after these calls and a cut, as text. */
function after(syscalls: readonly Syscall[], random?: () => number) {
  const disk = createDisk();
  for (const syscall of syscalls) disk.apply(syscall);
  return Object.fromEntries([...disk.afterCut(random)].map(([path, bytes]) => [path, `${bytes}`]));
}

describe("createDisk()", () => {
  const rows: readonly (readonly [string, readonly Syscall[], Record<string, string>])[] = [
    ["has no file whose directory was not synced", [create(), write("a"), sync()], {}],
    ["has a file empty that was not synced itself", [create(), sync("/data"), write("a")], {
      [FILE]: "",
    }],
    ["keeps what was synced", [create(), sync("/data"), write("ab"), sync()], { [FILE]: "ab" }],
    [
      "drops what was written since",
      [create(), sync("/data"), write("ab"), sync(), write("X", 1), write("c", 2)],
      { [FILE]: "ab" },
    ],
    [
      "drops a truncation that was not synced",
      [create(), sync("/data"), write("ab"), sync(), { kind: "truncate", path: FILE, size: 0 }],
      { [FILE]: "ab" },
    ],
    [
      "brings back a file whose end was not synced",
      [create(), sync("/data"), write("a"), sync(), { kind: "unlink", path: FILE }],
      { [FILE]: "a" },
    ],
    [
      "has a renamed file under its old name until the directory is synced",
      [create(), sync("/data"), write("a"), sync(), {
        kind: "rename",
        path: FILE,
        to: "/data/new",
      }],
      { [FILE]: "a" },
    ],
    [
      "has it under the new one afterwards",
      [create(), sync("/data"), write("a"), sync(), {
        kind: "rename",
        path: FILE,
        to: "/data/new",
      }, sync("/data")],
      { "/data/new": "a" },
    ],
  ];
  for (const [title, syscalls, files] of rows) {
    it(title, () => assert.deepEqual(after(syscalls), files));
  }

  it("ignores a sync if told to", () => {
    const disk = createDisk(new Map([[FILE, Buffer.from("old")]]));
    disk.apply(write("new"));
    disk.apply(sync(), false);
    assert.equal(`${disk.afterCut().get(FILE)}`, "old");
    disk.apply(sync());
    assert.equal(`${disk.afterCut().get(FILE)}`, "new");
  });

  it("keeps any half of the unsynced pages, and never half a page", () => {
    const old = ["a", "b", "c", "d"].map((letter) => letter.repeat(PAGE)).join("");
    const base = [create(), sync("/data"), write(old), sync(), write(old.toUpperCase())];
    const { random } = seeded(7);
    const seen = new Set<string>();
    for (let time = 0; time < 200; time++) {
      const text = after(base, random)[FILE] ?? "";
      const pages = Array.from(
        { length: 4 },
        (_, page) => text.slice(page * PAGE, (page + 1) * PAGE),
      );
      for (const page of pages) assert.equal(page, page.slice(0, 1).repeat(PAGE));
      seen.add(pages.map((page) => page.slice(0, 1)).join(""));
    }
    assert.equal(seen.size, 16);
  });

  it("keeps a page as of any moment since the sync", () => {
    const calls = [create(), sync("/data"), write("0"), sync(), write("1"), write("2")];
    const { random } = seeded(7);
    const seen = new Set(Array.from({ length: 50 }, () => after(calls, random)[FILE]));
    assert.deepEqual([...seen].sort(), ["0", "1", "2"]);
  });
});
