import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { ArchiveError } from "../../../../src/extras/backup/archive/source.ts";
import {
  type FileToArchive,
  isInside,
  readTar,
  writeTar,
} from "../../../../src/extras/backup/archive/tar.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

async function* listed<T>(values: Iterable<T>): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value);
}

function file(path: string, text: string, fields: Partial<FileToArchive> = {}): FileToArchive {
  const content = bytes(text);
  return { path, size: content.length, content: [content], ...fields };
}

async function written(...files: readonly FileToArchive[]): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of writeTar(listed(files), 0)) parts.push(part);
  return Buffer.concat(parts);
}

async function read(archive: Uint8Array, step = 700): Promise<readonly unknown[]> {
  const chunks = Array.from(
    { length: Math.ceil(archive.length / step) },
    (_, index) => archive.subarray(index * step, (index + 1) * step),
  );
  const found: unknown[] = [];
  for await (const { path, isProgram, content } of readTar(listed(chunks))) {
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    found.push([path, isProgram, Buffer.concat(parts).toString()]);
  }
  return found;
}

const LONG = `${"a".repeat(99)}/${"ü".repeat(80)}.txt`;

describe("[O11] writeTar() and readTar()", () => {
  it("read what they wrote, in chunks of any size", async () => {
    const archive = await written(
      file("a.txt", "one"),
      file("empty", ""),
      file(LONG, "x".repeat(1_500)),
      file("run.sh", "#!/bin/sh", { isProgram: true }),
      file("block", "y".repeat(512)),
    );
    const expected = [
      ["a.txt", false, "one"],
      ["empty", false, ""],
      [LONG, false, "x".repeat(1_500)],
      ["run.sh", true, "#!/bin/sh"],
      ["block", false, "y".repeat(512)],
    ];
    for (const step of [1, 511, 512, 700, 100_000]) {
      assert.deepEqual(await read(archive, step), expected);
    }
  });

  const refused: readonly (readonly [string, (archive: Buffer) => Uint8Array, string])[] = [
    ["half an archive", (all) => all.subarray(0, 600), "cut"],
    ["no end", (all) => all.subarray(0, 1_024), "cut"],
    ["nothing", () => new Uint8Array(0), "cut"],
    ["another file", () => new Uint8Array(2_048).fill(65), "foreign"],
    ["a changed header", (all) => changed(all, 0, "b"), "foreign"],
    ["a link", (all) => withHeader(all, 156, "2"), "foreign"],
    ["a device", (all) => withHeader(all, 156, "3"), "foreign"],
    ["a path above", (all) => withHeader(all, 0, "../x"), "foreign"],
    ["an absolute path", (all) => withHeader(all, 0, "/etc"), "foreign"],
    ["a negative size", (all) => withHeader(all, 124, "-0000000001"), "foreign"],
  ];
  for (const [what, change, kind] of refused) {
    it(`refuse ${what}`, async () => {
      const archive = change(await written(file("a", "one")));
      await assert.rejects(
        read(archive),
        (error) => error instanceof ArchiveError && error.kind === kind,
      );
    });
  }
});

function changed(archive: Buffer, at: number, text: string): Buffer {
  const copy = Buffer.from(archive);
  copy.write(text, at);
  return copy;
}

/** Changes a header, and makes its sum right again. */
function withHeader(archive: Buffer, at: number, text: string): Buffer {
  const copy = changed(archive, at, text);
  copy.fill(0x20, 148, 156);
  const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return copy;
}

describe("[O11] isInside()", () => {
  for (const path of ["a", "a/b.c", "ü/…", "..a/b.."]) {
    it(`accepts ${JSON.stringify(path)}`, () => assert.ok(isInside(path)));
  }
  for (const path of ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\nb", "a\\b", "a\0"]) {
    it(`refuses ${JSON.stringify(path)}`, () => assert.ok(!isInside(path)));
  }
});

describe("[O11] an archive of too many files", () => {
  const files = () => listed(["a", "b", "c"].map((path) => file(path, "x")));
  const message = /^there are more than 2 files$/;

  it("is neither written nor read", async () => {
    const all = async <T>(values: AsyncIterable<T>) => {
      const found: T[] = [];
      for await (const value of values) found.push(value);
      return found;
    };
    await assert.rejects(all(writeTar(files(), 0, 2)), { name: "ArchiveError", message });
    const archive = Buffer.concat(await all(writeTar(files(), 0, 3)));
    const paths = async (most: number) => {
      const found: string[] = [];
      for await (const { path } of readTar(listed([archive]), most)) found.push(path);
      return found;
    };
    assert.deepEqual(await paths(3), ["a", "b", "c"]);
    await assert.rejects(paths(2), { name: "ArchiveError", message });
  });
});
