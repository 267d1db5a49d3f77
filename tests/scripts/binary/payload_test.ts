/** The payload of a compiled program keeps all that the program needs, in a smaller file. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { ElfError, payloadOf, withPayload } from "../../../scripts/binary/elf.ts";
import { partsOf } from "../../../scripts/binary/parts.ts";
import { PayloadError, sizesOf, withoutBytecode } from "../../../scripts/binary/payload.ts";
import { unpackingStub } from "../../../scripts/binary/threads.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const FLAGS = 0x1bff;
const MARK = "\n---- Bun! ----\n";

interface Chunk {
  readonly name: string;
  readonly text: string;
  /** Empty if it has none. */
  readonly bytecode: string;
}

/** A payload as Bun writes it: bytecode at aligned places, texts, names, and tables. */
function payloadWith(chunks: readonly Chunk[], flags = FLAGS): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const add = (text: string) => {
    const start = bytes.length;
    bytes.push(...new TextEncoder().encode(text), 0);
    return [start, text.length] as const;
  };
  const aligned = (text: string) => {
    while (bytes.length % 128 !== 120) bytes.push(0);
    const range = add(text);
    bytes.pop();
    return text === "" ? [0, 0] as const : range;
  };
  const numbers = (...values: readonly number[]) => {
    for (const value of values) bytes.push(...new Uint8Array(Uint32Array.of(value).buffer));
  };
  const bytecode = chunks.map((chunk) => aligned(chunk.bytecode));
  const shared = [
    aligned("builtin"),
    aligned("strings"),
    aligned("module strings"),
    aligned("links"),
  ];
  const texts = chunks.map(({ text }) => add(text));
  const names = chunks.map(({ name }) => add(`/$bunfs/root/${name}`));
  const table = bytes.length;
  for (const index of chunks.keys()) {
    const [start = 0, length = 0] = bytecode[index] ?? [];
    numbers(...(names[index] ?? []), ...(texts[index] ?? []), 0, 0, start, length);
    numbers(start + length, 0, ...(names[index] ?? []));
    bytes.push(1, 1, 1, 0);
  }
  const length = bytes.length - table;
  numbers(...chunks.map(() => 7)); // hashes
  const [builtin = [], strings = [], moduleStrings = [], links = []] = shared;
  numbers(1, 25, ...builtin, ...strings, 2, ...moduleStrings, ...links);
  const index = bytes.length;
  numbers(index, 0, table, length, 0, index - 1, 0, flags);
  bytes.push(...new TextEncoder().encode(MARK));
  return Uint8Array.from(bytes);
}

const CHUNKS: readonly Chunk[] = [
  { name: "barnacle", text: "main()", bytecode: "m".repeat(300) },
  { name: "cold-1.js", text: "cold(1)", bytecode: "c".repeat(1_000) },
  { name: "hot.js", text: "hot()", bytecode: "h".repeat(200) },
  { name: "asset.txt", text: "asset", bytecode: "" },
  { name: "cold-2.js", text: "cold(2)", bytecode: "d".repeat(130) },
];
const isHot = (name: string) => !name.startsWith("cold");

/** Reads a payload by its tables, independently of the code under test. */
function read(payload: Uint8Array) {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const range = (at: number) => {
    const start = view.getUint32(at, true);
    const text = new TextDecoder().decode(
      payload.subarray(start, start + view.getUint32(at + 4, true)),
    );
    return { start, text };
  };
  const index = payload.length - MARK.length - 32;
  const table = view.getUint32(index + 8, true);
  const count = view.getUint32(index + 12, true) / 52;
  const after = table + 52 * count + 4 * count;
  return {
    index: Number(view.getBigUint64(index, true)) - index,
    modules: Array.from({ length: count }, (_, each) => ({
      name: range(table + 52 * each).text,
      text: range(table + 52 * each + 8).text,
      bytecode: range(table + 52 * each + 24),
    })),
    shared: [after + 8, after + 16, after + 28, after + 36].map(range),
  };
}

/** A program for Linux of one page, with a segment of data that ends in zeros and the payload. */
function programWith(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const [dataAt, bssAt, bunAt] = [0x1000, 0x1100, 0x3000];
  const rest = bunAt + 8 + Math.ceil(payload.length / 16) * 16;
  const names = "\0.bss\0.bun\0.names\0";
  const sectionsAt = rest + 32;
  const bytes = new Uint8Array(sectionsAt + 4 * 64);
  const view = new DataView(bytes.buffer);
  const set = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  set(32, 64);
  set(40, sectionsAt);
  view.setUint16(56, 2, true);
  view.setUint16(60, 4, true);
  view.setUint16(62, 3, true);
  const segment = (at: number, type: number, offset: number, size: number) => {
    view.setUint32(at, type, true);
    set(at + 8, offset);
    set(at + 16, 0x400000 + offset);
    set(at + 32, size);
    set(at + 40, size);
    set(at + 48, 0x1000);
  };
  segment(64, 1, dataAt, bunAt + 8 + payload.length - dataAt);
  segment(120, 4, 64, 16);
  const section = (number: number, name: string, offset: number, size: number) => {
    const at = sectionsAt + 64 * number;
    view.setUint32(at, names.indexOf(name), true);
    set(at + 16, 0x400000 + offset);
    set(at + 24, offset);
    set(at + 32, size);
  };
  section(1, ".bss", bssAt, 0x1800);
  section(2, ".bun", bunAt, 8 + payload.length);
  section(3, ".names", rest, names.length);
  bytes.fill(0xdd, dataAt, bssAt);
  set(bunAt, payload.length);
  bytes.set(payload, bunAt + 8);
  bytes.set(new TextEncoder().encode(names), rest);
  return bytes;
}

describe("[O11] the payload of a binary", () => {
  const payload = payloadWith(CHUNKS);

  it("loses the bytecode of rare chunks, and nothing else", () => {
    const smaller = withoutBytecode(payload, isHot);
    const [before, after] = [read(payload), read(smaller)];
    assert.equal(after.index, 0);
    for (const [number, module] of before.modules.entries()) {
      const kept = isHot(module.name.split("/").at(-1) ?? "");
      assert.deepEqual(
        { ...after.modules[number], bytecode: after.modules[number]?.bytecode.text },
        { ...module, bytecode: kept ? module.bytecode.text : "" },
      );
    }
    assert.deepEqual(
      after.shared.map(({ text }) => text),
      ["builtin", "strings", "module strings", "links"],
    );
    assert.ok(smaller.length <= payload.length - 1_000, `${smaller.length} of ${payload.length}`);
  });

  it("keeps bytecode at multiples of 128 behind the length", () => {
    const { modules, shared } = read(withoutBytecode(payload, isHot));
    const starts = [...modules.map(({ bytecode }) => bytecode), ...shared]
      .filter(({ text }) => text !== "").map(({ start }) => (start + 8) % 128);
    assert.deepEqual(starts, [0, 0, 0, 0, 0, 0]);
  });

  it("stays as it is if all chunks keep theirs", () => {
    assert.deepEqual(withoutBytecode(payload, () => true), payload);
  });

  it("is refused in another form", () => {
    const cut = payload.slice(0, -1);
    const longer = Uint8Array.from([...payload.slice(0, 100), 0, ...payload.slice(100)]);
    const flags = payloadWith(CHUNKS, FLAGS | 1 << 13);
    for (const other of [cut, longer, flags]) {
      assert.throws(() => withoutBytecode(other, isHot), PayloadError);
    }
  });

  it("tells the bytes of its parts", () => {
    const { text, bytecode, builtins, strings } = sizesOf(payload);
    assert.deepEqual({ text, bytecode, builtins, strings }, {
      text: 6 + 7 + 5 + 5 + 7,
      bytecode: 300 + 1_000 + 200 + 130,
      builtins: 7,
      strings: 7,
    });
  });
});

describe("[O11] a program for Linux", () => {
  const payload = payloadWith(CHUNKS);
  const program = programWith(payload);
  const smaller = withoutBytecode(payload, isHot);
  const edited = withPayload(program, smaller);

  it("gets another payload", () => {
    assert.deepEqual(payloadOf(program), payload);
    assert.deepEqual(payloadOf(edited), smaller);
  });

  it("has its data, and its zeros in memory only", () => {
    const view = new DataView(edited.buffer);
    const number = (at: number) => Number(view.getBigUint64(at, true));
    assert.deepEqual([number(64 + 32), number(64 + 40)], [0x100, 0x100 + 0x1800]);
    assert.ok(edited.subarray(0x1000, 0x1100).every((byte) => byte === 0xdd));
    assert.ok(edited.length < program.length - 0x1000, `${edited.length} of ${program.length}`);
  });

  it("finds the payload at the same address, in a segment of its own", () => {
    const view = new DataView(edited.buffer);
    const number = (at: number) => Number(view.getBigUint64(at, true));
    assert.deepEqual([view.getUint32(120, true), view.getUint32(124, true)], [1, 6]);
    assert.equal(number(120 + 16), 0x403000);
    assert.equal(number(120 + 32), smaller.length + 8);
    assert.equal(number(120 + 8) % 0x1000, number(120 + 16) % 0x1000);
    assert.equal(number(number(120 + 8)), smaller.length);
  });

  it("is as large as its parts", () => {
    const sizes = [...partsOf(edited).values()];
    assert.equal(sizes.reduce((sum, size) => sum + size), edited.length);
    assert.ok(sizes.every((size) => size >= 0), sizes.join());
  });

  it("is refused without a payload, or without a segment to exchange", () => {
    const nameless = program.slice();
    nameless.fill(0x78, nameless.length - 4 * 64 - 32 + 6, nameless.length - 4 * 64 - 32 + 10);
    assert.throws(() => payloadOf(nameless), ElfError);
    const noteless = program.slice();
    noteless[120] = 5;
    assert.throws(() => withPayload(noteless, smaller), ElfError);
  });
});

describe("[O11] a packed module", () => {
  it("has the exports of the module itself", async () => {
    using folder = tempDirectory();
    const text = "let n=1;export{n as default,n as $n};export const twice=(x)=>2*x;";
    writeFileSync(join(folder.path, "a.js.br"), brotliCompressSync(text));
    const stub = join(folder.path, "a.mjs");
    writeFileSync(stub, unpackingStub("a.js.br", ["default", "$n", "twice"]));
    const module = await import(pathToFileURL(stub).href);
    assert.deepEqual(Object.keys(module).sort(), ["$n", "default", "twice"]);
    assert.deepEqual([module.default, module.$n, module.twice(4)], [1, 1, 8]);
  });
});
