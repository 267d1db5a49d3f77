import assert from "node:assert/strict";
import process from "node:process";
import { Buffer } from "node:buffer";
import { readFileSync, readlinkSync } from "node:fs";
import { describe, it } from "node:test";
import {
  isUnchanged,
  loadReleasePages,
  rangeOf,
  readOnlyRanges,
  sectionOf,
} from "../../../src/host/process/release_pages.ts";

/** Kilobytes of this program's code in memory. */
function codeKb(): number {
  const path = readlinkSync("/proc/self/exe");
  const mappings = readFileSync("/proc/self/smaps", "utf8").split(/^(?=[0-9a-f]+-)/m);
  const code = mappings.find((text) =>
    /^\S+ r-xp/.test(text) && text.split("\n")[0]?.endsWith(path)
  );
  return Number(/^Rss: +(\d+) kB/m.exec(code ?? "")?.[1]);
}

it("loadReleasePages() › gives pages of the program's code back, and the program goes on", {
  skip: process.platform !== "linux" && "only Linux has /proc",
}, async () => {
  const release = await loadReleasePages();
  const before = codeKb();
  release();
  const after = codeKb();
  assert.ok(after < before, `${after} kB after ${before} kB`);
  release();
});

const PATH = "/usr/bin/barnacle";

/** One mapping, as `/proc/self/smaps` prints it. */
function mapping(line: string, { anonymous = 0, swap = 0 } = {}): string {
  return [
    line,
    "Size:                 64 kB",
    "Rss:                  32 kB",
    `Anonymous:      ${anonymous} kB`,
    "AnonHugePages:         0 kB",
    `Swap:                  ${swap} kB`,
    "SwapPss:               0 kB",
    "VmFlags: rd ex mr mw me sd ",
    "",
  ].join("\n");
}

const SMAPS = [
  mapping(`00200000-00210000 r--p 00000000 fe:00 117  ${PATH}`),
  mapping(`00210000-00220000 r-xp 00010000 fe:00 117  ${PATH}`),
  mapping(`00220000-00230000 r--p 00020000 fe:00 117  ${PATH}`, { anonymous: 4 }),
  mapping(`00230000-00240000 r--p 00030000 fe:00 117  ${PATH}`, { swap: 4 }),
  mapping(`00240000-00280000 rw-p 00040000 fe:00 117  ${PATH}`),
  mapping("7f0000000000-7f0000010000 r-xp 00000000 fe:00 118  /usr/lib/libc.so.6"),
  mapping("7f0000010000-7f0000020000 rw-p 00000000 00:00 0 "),
].join("");

describe("readOnlyRanges()", () => {
  it("finds unchanged mappings of the file that nothing can write", () => {
    assert.deepEqual(readOnlyRanges(SMAPS, PATH), [
      { start: 0x200000, bytes: 0x10000 },
      { start: 0x210000, bytes: 0x10000 },
    ]);
  });

  it("leaves a mapping alone if the kernel does not tell about changes", () => {
    const smaps = `00200000-00210000 r--p 00000000 fe:00 117  ${PATH}\nRss:  32 kB\n`;
    assert.deepEqual(readOnlyRanges(smaps, PATH), []);
  });
});

describe("rangeOf()", () => {
  const CASES = [
    { part: { offset: 0x48000, bytes: 0x8000 }, range: { start: 0x248000, bytes: 0x8000 } },
    { part: { offset: 0x40000, bytes: 0x40000 }, range: { start: 0x240000, bytes: 0x40000 } },
    { part: { offset: 0x40000, bytes: 0x40001 }, range: undefined },
    { part: { offset: 0x90000, bytes: 1 }, range: undefined },
  ];
  for (const { part, range } of CASES) {
    it(`gives ${range ? "the address of" : "nothing for"} ${part.bytes} bytes at ${part.offset}`, () => {
      assert.deepEqual(rangeOf(SMAPS, PATH, part), range);
    });
  }
});

/** A 64-bit ELF file with these sections, and the table of their names as the last one. */
function elf(names: readonly string[]): Uint8Array {
  const all = [...names, ".shstrtab"];
  const text = Buffer.from(all.map((name) => `${name}\0`).join(""), "latin1");
  const [namesAt, tableAt] = [64, 64 + text.length];
  const file = Buffer.alloc(tableAt + 64 * all.length);
  file.writeUInt32BE(0x7f454c46);
  file.set([2, 1], 4);
  file.writeBigUInt64LE(BigInt(tableAt), 40);
  file.writeUInt16LE(64, 58);
  file.writeUInt16LE(all.length, 60);
  file.writeUInt16LE(all.length - 1, 62);
  text.copy(file, namesAt);
  all.forEach((name, index) => {
    const at = tableAt + index * 64;
    const isNames = index === all.length - 1;
    file.writeUInt32LE(text.indexOf(`${name}\0`, 0, "latin1"), at);
    file.writeBigUInt64LE(BigInt(isNames ? namesAt : 4096 * index), at + 24);
    file.writeBigUInt64LE(BigInt(isNames ? text.length : 100 + index), at + 32);
  });
  return file;
}

describe("sectionOf()", () => {
  const reader = (file: Uint8Array) => (offset: number, bytes: number) =>
    file.subarray(offset, offset + bytes);

  it("finds a section by its whole name", () => {
    const file = elf([".text", ".bundle", ".bun", ".data"]);
    assert.deepEqual(sectionOf(reader(file), ".bun"), { offset: 8192, bytes: 102 });
  });

  it("finds nothing in a file without the section, in other formats, and in parts of a file", () => {
    const file = elf([".text", ".bun"]);
    assert.equal(sectionOf(reader(elf([".text"])), ".bun"), undefined);
    assert.equal(sectionOf(reader(Buffer.from("MZ, no ELF".padEnd(100))), ".bun"), undefined);
    assert.equal(sectionOf(reader(new Uint8Array(0)), ".bun"), undefined);
    assert.equal(sectionOf(reader(file.subarray(0, file.length - 10)), ".bun"), undefined);
    assert.equal(
      sectionOf(reader(Uint8Array.from(file, (byte, at) => at === 4 ? 1 : byte)), ".bun"),
      undefined,
    );
  });
});

describe("isUnchanged()", () => {
  const PRESENT = 1n << 63n;
  const SWAPPED = 1n << 62n;
  const OF_FILE = 1n << 61n;
  const CASES: readonly (readonly [name: string, pages: readonly bigint[], expected: boolean])[] = [
    ["absent pages and pages of the file", [0n, PRESENT | OF_FILE, OF_FILE], true],
    ["no page", [], true],
    ["a changed page in memory", [PRESENT | OF_FILE, PRESENT], false],
    ["a changed page on the swap disk", [SWAPPED, PRESENT | OF_FILE], false],
  ];
  for (const [name, pages, expected] of CASES) {
    it(`is ${expected} for ${name}`, () => {
      const map = new Uint8Array(BigUint64Array.from(pages).buffer);
      assert.equal(isUnchanged(map, pages.length), expected);
      assert.equal(isUnchanged(map, pages.length + 1), false, "an entry is missing");
    });
  }
});
