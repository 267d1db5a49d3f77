import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readManifest, type StoredFile, writeManifest } from "../../src/files/manifest.ts";
import { mergeFolders, withinLimits } from "../../src/files/merge.ts";

const EMPTY = "e".repeat(64);

/** A version named by a letter; `a5` changed at 5. `e` is empty. */
function version(name: string): StoredFile {
  const [letter = "", at = "1"] = name;
  return {
    hash: letter.repeat(64),
    size: letter === "e" ? 0 : 1,
    blob: letter.repeat(32),
    isProgram: name.endsWith("x"),
    changedAt: Number(at),
  };
}

const filesOf = (written: Readonly<Record<string, string>>) =>
  new Map(Object.entries(written).map(([path, name]) => [path, version(name)]));

/** Local files have no object. */
const localOf = (written: Readonly<Record<string, string>>) =>
  new Map([...filesOf(written)].map(([path, { blob: _, ...file }]) => [path, file]));

type Row = readonly [
  what: string,
  base: Readonly<Record<string, string>>,
  local: Readonly<Record<string, string>>,
  remote: Readonly<Record<string, string>>,
  merged: Readonly<Record<string, string>>,
];

const ROWS: readonly Row[] = [
  ["takes a new file from here", {}, { p: "a" }, {}, { p: "a" }],
  ["takes a new file from there", {}, {}, { p: "a" }, { p: "a" }],
  ["takes a change from here", { p: "a" }, { p: "b" }, { p: "a" }, { p: "b" }],
  ["takes a change from there", { p: "a" }, { p: "a" }, { p: "b" }, { p: "b" }],
  ["deletes what was deleted here", { p: "a" }, {}, { p: "a" }, {}],
  ["deletes what was deleted there", { p: "a" }, { p: "a" }, {}, {}],
  ["keeps a change in spite of a deletion there", { p: "a" }, { p: "b" }, {}, { p: "b" }],
  ["keeps a change in spite of a deletion here", { p: "a" }, {}, { p: "b" }, { p: "b" }],
  ["sees no conflict in equal changes", { p: "a" }, { p: "b" }, { p: "b" }, { p: "b" }],
  ["lets the later change win", {}, { "p.md": "a9" }, { "p.md": "b5" }, {
    "p.md": "a9",
    "p.conflict-bbbbbbbb.md": "b5",
  }],
  ["lets that of the store win at the same time", {}, { p: "a5" }, { p: "b5" }, {
    p: "b5",
    "p.conflict-aaaaaaaa": "a5",
  }],
  ["makes no second copy", {}, { p: "a1", "p.conflict-aaaaaaaa": "a1" }, { p: "b5" }, {
    p: "b5",
    "p.conflict-aaaaaaaa": "a1",
  }],
  ["takes another name if that one is taken", {}, { p: "a1", "p.conflict-aaaaaaaa": "c1" }, {
    p: "b5",
  }, { p: "b5", "p.conflict-aaaaaaaa": "c1", [`p.conflict-${"a".repeat(16)}`]: "a1" }],
  ["prefers a text to an empty file", {}, { p: "e9" }, { p: "a1" }, { p: "a1" }],
  ["keeps no empty loser", {}, { p: "a9" }, { p: "e1" }, { p: "a9" }],
  ["moves a file whose name is a folder there", {}, { p: "a1" }, { "p/q": "b1" }, {
    "p/q": "b1",
    "p.conflict-aaaaaaaa": "a1",
  }],
  ["keeps the right to run a file", { p: "a" }, { p: "a1x" }, { p: "a" }, { p: "a1x" }],
];

describe("[O17] mergeFolders()", () => {
  for (const [what, base, local, remote, merged] of ROWS) {
    it(what, () => {
      const { files } = mergeFolders(filesOf(base), localOf(local), filesOf(remote));
      const named = Array.from(files, ([path, { hash, changedAt, isProgram }]) => [
        path,
        { hash, changedAt, isProgram },
      ]);
      const expected = Array.from(filesOf(merged), ([path, { hash, changedAt, isProgram }]) => [
        path,
        { hash, changedAt, isProgram },
      ]);
      assert.deepEqual(Object.fromEntries(named), Object.fromEntries(expected));
    });
  }

  it("names both versions of a conflict, and the place of a content that is here only", () => {
    const { conflicts, contentAt } = mergeFolders(
      new Map(),
      localOf({ "notes/p.md": "a1" }),
      filesOf({ "notes/p.md": "b5" }),
    );
    const beside = "notes/p.conflict-aaaaaaaa.md";
    assert.deepEqual(conflicts, [{ path: "notes/p.md", beside }]);
    assert.deepEqual([...contentAt], [[beside, "notes/p.md"]]);
  });
});

describe("[O17] a manifest", () => {
  const rowOf = (path: string) => ({ path, ...version("a") });
  const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const withFiles = (...files: readonly object[]) => text({ version: 1, files });

  it("comes back as it was written", () => {
    const files = filesOf({ "notes/plan.md": "a", "bin/run": "b1x", "é.txt": "e" });
    assert.deepEqual(
      new Map([...readManifest(writeManifest(files))].sort()),
      new Map([...files].sort()),
    );
    assert.equal(version("e").hash, EMPTY);
  });

  const hostile = [
    "../outside",
    "a/../../b",
    "/etc/passwd",
    "C:/x",
    "a\\b",
    "a\0b",
    "",
    ".",
    "a//b",
    "./a",
    "a/",
    "~/x",
    "e\u0301",
    "a\u202e.md",
    "..\uff0fx",
    "con",
    "x".repeat(256),
    "a/".repeat(20) + "b",
  ];
  for (const path of hostile) {
    it(`is refused with the path ${JSON.stringify(path.slice(0, 20))}`, () => {
      assert.throws(() => readManifest(withFiles(rowOf(path))), /no file may have/);
    });
  }

  const faulty: readonly (readonly [string, Uint8Array])[] = [
    ["no JSON", new TextEncoder().encode("{")],
    ["bytes that are no text", new Uint8Array([0xff, 0xfe])],
    ["another version", text({ version: 2, files: [] })],
    ["an object's id that is a path", withFiles({ ...rowOf("a"), blob: "../../secrets" })],
    ["a file that is too large", withFiles({ ...rowOf("a"), size: 2 ** 31 })],
    ["a negative size", withFiles({ ...rowOf("a"), size: -1 })],
    ["one path twice", withFiles(rowOf("a"), rowOf("a"))],
    ["a file that is a folder", withFiles(rowOf("a"), rowOf("a/b"))],
    [
      "too many files",
      withFiles(...Array.from({ length: 4_001 }, (_, index) => rowOf(`f${index}`))),
    ],
    [
      "too many bytes",
      withFiles(
        ...Array.from({ length: 40 }, (_, index) => ({ ...rowOf(`f${index}`), size: 2 ** 25 })),
      ),
    ],
  ];
  for (const [what, bytes] of faulty) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => readManifest(bytes), /the workspace in the file store has/);
    });
  }
});

describe("[O17] withinLimits()", () => {
  const limits = { files: 2, totalBytes: 10 };

  it("keeps files of the store, and holds new ones beyond the limits on their machine", () => {
    const remote = filesOf({ a: "a" });
    const merged = mergeFolders(new Map(), localOf({ b: "b", c: "c" }), remote);
    const { files, held } = withinLimits(merged, remote, limits);
    assert.deepEqual([[...files.keys()], [...held]], [["a", "b"], ["c"]]);
  });

  it("keeps the stored version of a file whose change has no room", () => {
    const remote = filesOf({ a: "a" });
    const { blob: _, ...changed } = { ...version("b5"), size: 11 };
    const local = new Map([["a", changed]]);
    const { files, held } = withinLimits(mergeFolders(remote, local, remote), remote, limits);
    assert.deepEqual([files.get("a")?.hash, [...held]], ["a".repeat(64), ["a"]]);
  });

  it("holds the path of a version that lost it, and has no room beside it", () => {
    const remote = filesOf({ p: "b5", q: "a" });
    const merged = mergeFolders(filesOf({ p: "c" }), localOf({ p: "a1" }), remote);
    const { files, held } = withinLimits(merged, remote, limits);
    assert.deepEqual([[...files.keys()].toSorted(), [...held]], [["p", "q"], ["p"]]);
  });
});
