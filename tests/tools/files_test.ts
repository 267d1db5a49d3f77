import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WorkspaceFiles } from "../../src/workspace/files.ts";
import type { Tool } from "../../src/core/turn/tool.ts";
import { editFile, listFiles, readFile, writeFile } from "../../src/tools/workspace_files.ts";
import { accountWith, toolContext } from "../support/model/tools.ts";

function build(text = "one\ntwo\ntwo\nthree\n") {
  const files = new Map([["a.md", text]]);
  const workspace: WorkspaceFiles = {
    read: (path) => Promise.resolve(files.get(path) ?? ""),
    readBytes: (path) => Promise.resolve(new TextEncoder().encode(files.get(path))),
    write(path, written) {
      files.set(path, written);
      return Promise.resolve(undefined);
    },
    list: () => Promise.resolve({ entries: [{ path: "a.md", kind: "file" }], isCut: true }),
  };
  const run = (tool: Tool, input: unknown) =>
    tool.run(tool.input.parse(input), toolContext({ account: accountWith({ workspace }) }));
  return { files, run };
}

describe("[S6] edit_file", () => {
  const edit = { path: "a.md", old: "one", new: "1 $& one" };

  it("replaces a part that is there once, and takes the new text as it is", async () => {
    const { files, run } = build();
    assert.equal(await run(editFile, { ...edit, old: "three" }), "Changed line 4.");
    assert.equal(files.get("a.md"), "one\ntwo\ntwo\n1 $& one\n");
  });

  const refused: readonly [old: string, why: RegExp][] = [
    ["two", /more than once \(lines 2 and 3\)/],
    ["four", /not in the file; read/],
    ["one\n\ntwo", /spaces or line breaks differ \(near line 1\)/],
    ["one\nfive", /only its first line is, in line 1/],
  ];
  for (const [old, why] of refused) {
    it(`refuses ${JSON.stringify(old)}`, async () => {
      const { files, run } = build();
      await assert.rejects(run(editFile, { ...edit, old }), why);
      assert.equal(files.get("a.md"), "one\ntwo\ntwo\nthree\n");
    });
  }

  it("never runs twice after a crash", () => assert.equal(editFile.isIdempotent, false));
});

describe("[S6] read_file, write_file and list_files", () => {
  it("read a part, and say how much there is", async () => {
    const { run } = build();
    assert.equal(
      await run(readFile, { path: "a.md", from: 2, lines: 1 }),
      "two\n[lines 2 to 2 of 5]",
    );
    assert.equal(await run(readFile, { path: "a.md", from: 9 }), "The file has 5 lines.");
  });

  it("write a file", async () => {
    const { files, run } = build();
    await run(writeFile, { path: "b.md", text: "x" });
    assert.equal(files.get("b.md"), "x");
  });

  it("list a folder, and say if there is more", async () => {
    const { run } = build();
    assert.match(await run(listFiles, {}), /^\{"path":"a\.md","kind":"file"\}\n\[there are more/);
  });
});
