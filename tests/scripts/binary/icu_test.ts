/** Tests that a binary for Linux has no languages but English, and everything else at its place. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { ElfError, withShorter } from "../../../scripts/binary/elf.ts";
import { englishOnly, findLanguageData, IcuError } from "../../../scripts/binary/icu.ts";
import { BUN } from "../../../scripts/packages.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const ENGLISH = [
  "brkitr/char.brk",
  "brkitr/res_index.res",
  "coll/root.res",
  "coll/ucadata.icu",
  "curr/en_GB.res",
  "curr/pool.res",
  "en.res",
  "en_US_POSIX.res",
  "nfkc.nrm",
  "res_index.res",
  "units.res",
  "zoneinfo64.res",
];
const OTHERS = [
  "brkitr/thaidict.dict",
  "coll/de_.res",
  "curr/de.res",
  "es_419.res",
  "zh_Hant_HK.res",
  "zu_ZA.res",
];
const DATA_BYTES = 5_008;
const HEADER = Buffer.from("\x20\0\xda\x27aaaaaaaaCmnDbbbbbbbbbbbbbbbb", "latin1");

/** An item's data: its name, again and again. */
const dataOf = (name: string): string => name.repeat(DATA_BYTES).slice(0, DATA_BYTES);

/** Data about languages, as ICU builds them. */
function icuOf(names: readonly string[]): Buffer {
  const texts = names.map((name) => Buffer.from(`icudt9l/${name}\0`));
  const namesAt = 4 + 8 * names.length;
  const dataAt = Math.ceil((namesAt + Buffer.concat(texts).length) / 16) * 16;
  const head = Buffer.alloc(dataAt);
  head.writeUInt32LE(names.length);
  let nameAt = namesAt;
  for (const [each, text] of texts.entries()) {
    head.writeUInt32LE(nameAt, 4 + 8 * each);
    head.writeUInt32LE(dataAt + DATA_BYTES * each, 8 + 8 * each);
    text.copy(head, nameAt);
    nameAt += text.length;
  }
  return Buffer.concat([HEADER, head, ...names.map((name) => Buffer.from(dataOf(name)))]);
}

/** Reads them by their table, independently of the code under test. */
function readIcu(data: Uint8Array): Record<string, string> {
  const bytes = Buffer.from(data).subarray(HEADER.length);
  const item = (each: number) => {
    const name = bytes.readUInt32LE(4 + 8 * each);
    const from = bytes.readUInt32LE(8 + 8 * each);
    const text = bytes.toString("latin1", name, bytes.indexOf(0, name));
    return [text.slice("icudt9l/".length), bytes.toString("latin1", from, from + DATA_BYTES)];
  };
  return Object.fromEntries(Array.from({ length: bytes.readUInt32LE() }, (_, each) => item(each)));
}

const ALL = [...ENGLISH, ...OTHERS].sort();
const PAGE = 0x1000;
const BASE = 0x400000;
const [PHDR, LOAD, NOTE] = [6, 1, 4];
/** Bytes before the data about languages and behind them, within the constants. */
const [BEFORE, BEHIND] = [0x2350, 0x1234];

/** A program for Linux with constants, and with code behind them. */
function programWith(data: Uint8Array): Buffer {
  const constants = BEFORE + data.length + BEHIND;
  const codeAt = Math.ceil(constants / PAGE) * PAGE;
  const sectionsAt = codeAt + 2 * PAGE;
  const bytes = Buffer.alloc(sectionsAt + 3 * 64);
  bytes.fill(0xcc, 0x1000, constants);
  bytes.set(data, BEFORE);
  bytes.fill(0xee, codeAt, sectionsAt - PAGE);
  const set = (at: number, value: number) => bytes.writeBigUInt64LE(BigInt(value), at);
  set(32, 64);
  set(40, sectionsAt);
  bytes.writeUInt16LE(4, 56);
  bytes.writeUInt16LE(3, 60);
  bytes.writeUInt16LE(2, 62);
  const segments = [[PHDR, 64, 4 * 56], [LOAD, 0, constants], [LOAD, codeAt, PAGE], [
    NOTE,
    codeAt,
    32,
  ]];
  for (const [each, [type = 0, offset = 0, size = 0]] of segments.entries()) {
    const at = 64 + 56 * each;
    bytes.writeUInt32LE(type, at);
    for (
      const [place, value] of [[8, offset], [16, BASE + offset], [32, size], [40, size]] as const
    ) {
      set(at + place, value);
    }
    set(at + 48, PAGE);
  }
  const names = "\0.rodata\0.names\0";
  bytes.write(names, sectionsAt - PAGE);
  const sections = [[1, 0x1000, constants - 0x1000], [9, sectionsAt - PAGE, names.length]];
  for (const [each, [name = 0, offset = 0, size = 0]] of sections.entries()) {
    const at = sectionsAt + 64 * (each + 1);
    bytes.writeUInt32LE(name, at);
    for (const [place, value] of [[16, BASE + offset], [24, offset], [32, size]] as const) {
      set(at + place, value);
    }
  }
  return bytes;
}

const number = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at));

/** The segments of a program, as a kernel reads them. */
function segmentsOf(bytes: Buffer) {
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, each) => {
    const at = number(bytes, 32) + 56 * each;
    const offset = number(bytes, at + 8);
    const size = number(bytes, at + 32);
    const content = bytes.subarray(offset, offset + size);
    return { type: bytes.readUInt32LE(at), offset, address: number(bytes, at + 16), content };
  });
}

/** What a program finds at an address. */
function at(bytes: Buffer, address: number, length: number): Buffer | undefined {
  const segment = segmentsOf(bytes).find((one) =>
    one.type === LOAD && one.address <= address && address < one.address + one.content.length
  );
  return segment?.content.subarray(address - segment.address).subarray(0, length);
}

describe("[O11] the data about languages", () => {
  it("keep English, and what all languages share", () => {
    const program = Buffer.concat([Buffer.from("before CmnD"), icuOf(ALL), Buffer.from("behind")]);
    const found = findLanguageData(program);
    assert.deepEqual(found, { start: 11, end: 11 + icuOf(ALL).length - DATA_BYTES });
    const english = englishOnly(program, found);
    assert.deepEqual(Buffer.from(english).subarray(0, HEADER.length), HEADER);
    const expected = ENGLISH.toSorted().map((name) => [name, dataOf(name)]);
    assert.deepEqual(Object.entries(readIcu(english)), expected);
  });

  const wrong = icuOf(ALL);
  wrong.writeUInt32LE(wrong.readUInt32LE(HEADER.length + 16), HEADER.length + 8);
  const forms: readonly (readonly [string, Uint8Array])[] = [
    ["are missing", Buffer.from("CmnD without a header, CmnD")],
    ["are there twice", Buffer.concat([icuOf(ALL), icuOf(ALL)])],
    ["are in another order", wrong],
  ];
  for (const [what, program] of forms) {
    it(`are refused if they ${what}`, () => {
      assert.throws(() => findLanguageData(program), IcuError);
    });
  }

  it("are refused if English is behind all others", () => {
    const program = icuOf(["de.res", "en.res"]);
    assert.throws(() => englishOnly(program, findLanguageData(program)), IcuError);
  });
});

describe("[O11] a program for Linux with less data about languages", () => {
  const program = programWith(icuOf(ALL));
  const found = findLanguageData(program);
  const english = englishOnly(program, found);
  const shorter = Buffer.from(withShorter(program, found, english));

  it("is shorter by whole pages", () => {
    const saved = program.length - shorter.length;
    assert.ok(saved > found.end - found.start - english.length - 2 * PAGE, `${saved} bytes`);
    assert.equal(saved % PAGE, 0);
  });

  it("finds everything at its address", () => {
    assert.deepEqual(at(shorter, BASE + BEFORE, english.length), Buffer.from(english));
    for (
      const [from, to] of [[0x1000, BEFORE], [found.end, program.length - 3 * 64 - PAGE]] as const
    ) {
      for (let address = BASE + from; address < BASE + to; address += 16) {
        assert.deepEqual(at(shorter, address, 16), at(program, address, 16), `${address}`);
      }
    }
    for (const { offset, address } of segmentsOf(shorter).filter(({ type }) => type === LOAD)) {
      assert.equal(offset % PAGE, address % PAGE);
    }
  });

  it("finds its table of segments, which names the other segments", () => {
    const segments = segmentsOf(shorter);
    assert.deepEqual(segments.map(({ type }) => type), [PHDR, LOAD, LOAD, LOAD, NOTE]);
    const [table] = segments;
    assert.ok(table);
    assert.equal(table.offset, number(shorter, 32));
    assert.deepEqual(at(shorter, table.address, 5 * 56), table.content);
    assert.deepEqual(segments.at(-1)?.content, Buffer.alloc(32, 0xee));
  });

  it("finds its sections", () => {
    const sections = number(shorter, 40);
    assert.equal(sections, shorter.length - 3 * 64);
    const names = number(shorter, sections + 2 * 64 + 24);
    assert.equal(shorter.toString("latin1", names + 1, names + 8), ".rodata");
    const end = number(shorter, sections + 64 + 24) + number(shorter, sections + 64 + 32);
    assert.equal(end, segmentsOf(shorter)[2]?.offset);
  });

  it("is refused if no page is left over", () => {
    assert.throws(() => withShorter(program, found, icuOf(ALL)), ElfError);
  });

  it(
    "runs, and formats English as before",
    skipUnless(process.platform === "linux", "only programs for Linux are changed"),
    () => {
      using folder = tempDirectory();
      const runtime = readFileSync(BUN);
      const place = findLanguageData(runtime);
      const path = join(folder.path, "runtime");
      writeFileSync(path, withShorter(runtime, place, englishOnly(runtime, place)), {
        mode: 0o755,
      });
      const script = `
        const at = new Date(1764150000000);
        const formats = (language) => [
          at.toLocaleString(language, { timeZone: "Europe/Berlin", dateStyle: "full", timeStyle: "long" }),
          new Intl.NumberFormat(language, { style: "currency", currency: "EUR" }).format(1234.5),
          new Intl.DisplayNames("en", { type: "region" }).of("JP"),
          [...new Intl.Segmenter(language).segment("a👩‍👩‍👧ก็")].length,
          ["z", "ä", "a"].sort(new Intl.Collator(language).compare).join(""),
        ];
        const english = [undefined, "en", "en-US", "en-GB"].map(formats);
        const others = ["de", "ja", "th", "zh-Hant"].map((one) => formats(one).length);
        const words = [...new Intl.Segmenter("th", { granularity: "word" }).segment("สวัสดีชาวโลก")].join();
        const text = new TextDecoder("shift_jis").decode(Uint8Array.of(0x82, 0xa0));
        console.log(JSON.stringify([english, others, text, new URL("http://bücher.example").host]), words.length > 0);
      `;
      const run = (program: string) => {
        const { stdout, stderr } = spawnSync(program, ["-e", script], { encoding: "utf8" });
        return `${stdout}${stderr}`;
      };
      assert.match(run(BUN), /Wednesday, November 26, 2025.*€1,234\.50.*Japan.*あ.*xn--bcher-kva/);
      assert.equal(run(path), run(BUN));
    },
  );
});
