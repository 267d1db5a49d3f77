import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMedia, storedNameOf } from "../../../simulator/world/media.ts";
import { toSnowflake } from "../../../simulator/world/snowflake.ts";
import type { Attachment } from "../../../simulator/world/world.ts";

const file = (id: number, length: number): Attachment => ({
  id: toSnowflake<"attachment">(String(id)),
  filename: "a",
  sizeBytes: length,
  bytes: new Uint8Array(length),
});

describe("[R12] createMedia()", () => {
  it("drops the oldest files' bytes, and only these, beyond its limit", () => {
    const media = createMedia(10);
    const files = [file(1, 4), file(2, 4), file(3, 4), file(4, 10)];
    const there = () => files.map(({ bytes }) => bytes !== undefined);
    for (const one of files.slice(0, 2)) media.keep(one);
    assert.deepEqual(there().slice(0, 2), [true, true]);
    media.keep(files[2]!);
    assert.deepEqual(there().slice(0, 3), [false, true, true]);
    media.keep(files[3]!);
    assert.deepEqual(there(), [false, false, false, true]);
    assert.equal(files[0]?.sizeBytes, 4);
  });
});

describe("[R12] storedNameOf()", () => {
  const names: readonly [given: string, filename: string, title?: string][] = [
    ["answer.md", "answer.md"],
    ["my answer (2).md", "my_answer_2.md", "my answer (2)"],
    ["_hidden.txt", "hidden.txt", "_hidden"],
    ["café.txt", "cafe.txt", "café"],
    ["画像.png", "png", "画像"],
    ["etc/passwd.txt", "etc_passwd.txt", "etc/passwd"],
    ["画像", "unknown", "画像"],
    ['a"b\n.txt', "ab.txt", 'a"b\n'],
  ];
  for (const [given, filename, title] of names) {
    it(`makes ${filename} of ${JSON.stringify(given)}`, () => {
      assert.deepEqual(storedNameOf(given), { filename, ...(title !== undefined && { title }) });
    });
  }
});
