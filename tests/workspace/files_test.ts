import assert from "node:assert/strict";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { createWorkspace, LIMITS, type WorkspaceLimits } from "../../src/workspace/files.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const made: Disposable[] = [];
afterEach(() => {
  for (const directory of made.splice(0)) directory[Symbol.dispose]();
});

function build(limits: Partial<WorkspaceLimits> = {}) {
  const directory = tempDirectory();
  made.push(directory);
  const outer = directory.path;
  const root = join(outer, "workspace");
  mkdirSync(root);
  writeFileSync(join(outer, "secret.txt"), "secret");
  mkdirSync(join(outer, "outside"));
  let count = 0;
  const workspace = createWorkspace(() => root, () => `${count++}`, { ...LIMITS, ...limits });
  return { outer, root, workspace };
}

/** Paths that leave the root, or might on some file system. */
const ESCAPES: readonly string[] = [
  "../secret.txt",
  "a/../../secret.txt",
  "/etc/passwd",
  "~/x",
  "C:\\x",
  "c:/x",
  "..\\secret.txt",
  "a\\b",
  "x\0.txt",
  "x\n.txt",
  "..\u{200b}/secret.txt",
  "\u{ff0e}\u{ff0e}/secret.txt", // full width
  "\u{2024}\u{2024}/secret.txt", // one dot leaders
  "\u{2025}/secret.txt", // a two dot leader
  "a\u{ff0f}b",
  "a\u{2100}b", // its compatibility form has a slash
  "\u{202e}txt.x",
  "cafe\u{301}.txt",
  "x.",
  "x ",
  "con:x",
  "CON",
  "notes/nul.txt",
  "com1.tar.gz",
  "Lpt\u00b9",
  "aux .md",
  "a/".repeat(17) + "b",
  "x".repeat(256),
  "x/".repeat(600),
];

describe("[S6] the workspace", () => {
  for (const path of ESCAPES) {
    it(`refuses ${JSON.stringify(path.slice(0, 40))}`, async () => {
      const { outer, workspace } = build();
      await assert.rejects(workspace.read(path));
      await assert.rejects(workspace.write(path, "x"));
      await assert.rejects(workspace.list(path, true));
      assert.deepEqual(readdirSync(outer).sort(), ["outside", "secret.txt", "workspace"]);
      assert.equal(readFileSync(join(outer, "secret.txt"), "utf8"), "secret");
    });
  }

  it("[R12] reads the bytes of a file of any kind, within a limit", async () => {
    const { root, workspace } = build();
    writeFileSync(join(root, "a.png"), new Uint8Array([0x89, 0, 255]));
    assert.deepEqual(await workspace.readBytes("a.png", 3), new Uint8Array([0x89, 0, 255]));
    await assert.rejects(workspace.readBytes("a.png", 2), /too large/);
  });

  it("writes, replaces and reads text, and makes folders", async () => {
    const { root, workspace } = build();
    await workspace.write("notes/plan.md", "one");
    await workspace.write("./notes//plan.md", "two ä");
    assert.equal(await workspace.read("notes/plan.md"), "two ä");
    assert.deepEqual(readdirSync(join(root, "notes")), ["plan.md"]);
  });

  it("follows no link: neither to a file, nor to a folder, nor a hard one", async () => {
    const { outer, root, workspace } = build();
    symlinkSync(join(outer, "secret.txt"), join(root, "file"));
    symlinkSync(join(outer, "outside"), join(root, "folder"));
    linkSync(join(outer, "secret.txt"), join(root, "hard"));
    await assert.rejects(workspace.read("file"), /is a link/);
    await assert.rejects(workspace.read("hard"), /hard link/);
    await assert.rejects(workspace.readBytes("file", 100), /is a link/);
    await assert.rejects(workspace.readBytes("folder/x", 100), /is a link, not a folder/);
    await assert.rejects(workspace.readBytes("hard", 100), /hard link/);
    await assert.rejects(workspace.readBytes("../secret.txt", 100), /cannot be used/);
    await assert.rejects(workspace.write("file", "x"), /no file that can be replaced/);
    await assert.rejects(workspace.write("folder/x", "x"), /is a link, not a folder/);
    await assert.rejects(workspace.list("folder", false), /is a link, not a folder/);
    await workspace.write("hard", "x"); // replaces the name, not the other file
    assert.equal(readFileSync(join(outer, "secret.txt"), "utf8"), "secret");
    assert.deepEqual(readdirSync(join(outer, "outside")), []);
    const { entries } = await workspace.list("", true);
    assert.deepEqual(entries.map(({ path, kind }) => [path, kind]), [
      ["file", "link"],
      ["folder", "link"],
      ["hard", "file"],
    ]);
  });

  it("[H4] changes no file with instructions, in any case of its name", async () => {
    const { root, workspace } = build();
    writeFileSync(join(root, "AGENTS.md"), "be kind");
    for (const path of ["AGENTS.md", "agents.MD", "SOUL.md", "skills/x/SKILL.md", "Skills/x"]) {
      await assert.rejects(workspace.write(path, "x"), /only your operator changes it/);
    }
    assert.equal(await workspace.read("AGENTS.md"), "be kind");
    await workspace.write("notes/AGENTS.md", "fine");
  });

  it("reads only text, within the bound", async () => {
    const { root, workspace } = build({ fileBytes: 10 });
    writeFileSync(join(root, "binary"), new Uint8Array([0xff, 0, 1, 2]));
    writeFileSync(join(root, "cut"), new Uint8Array([0x80, ...new TextEncoder().encode("пар")]));
    writeFileSync(join(root, "large"), "12345678901");
    await assert.rejects(workspace.read("binary"), /no text/);
    assert.equal(await workspace.read("cut"), "\ufffdпар");
    await assert.rejects(workspace.read("large"), /too large/);
    await assert.rejects(workspace.read("."), /name a file/);
    await assert.rejects(workspace.write("x", "äääääx"), /too large/);
    mkdirSync(join(root, "folder"));
    await assert.rejects(workspace.read("folder"), /is a folder/);
    await assert.rejects(workspace.write("folder", "x"), /no file that can be replaced/);
    await assert.rejects(workspace.read("none"), /there is no file/);
  });

  it("has room for some bytes and some files only", async () => {
    const { root, workspace } = build({ totalBytes: 10, entries: 2 });
    await workspace.write("a", "12345678");
    await assert.rejects(workspace.write("b", "123"), /workspace is full/);
    await workspace.write("a", "1234567890");
    await workspace.write("a", "1");
    await workspace.write("b", "2");
    await assert.rejects(workspace.write("c", "3"), /2 files and folders/);
    assert.deepEqual(readdirSync(root).sort(), ["a", "b"]);
  });

  it("lists no more than its bound", async () => {
    const { root, workspace } = build({ listed: 2 });
    for (const name of ["a", "b", "c"]) writeFileSync(join(root, name), name);
    const { entries, isCut } = await workspace.list("", false);
    assert.deepEqual(entries, [
      { path: "a", kind: "file", bytes: 1 },
      { path: "b", kind: "file", bytes: 1 },
    ]);
    assert.equal(isCut, true);
  });

  it("exists from the first use on", async () => {
    const { outer } = build();
    const workspace = createWorkspace(() => join(outer, "agents", "main"), () => "t");
    await assert.rejects(workspace.read("x"), /the workspace is empty/);
    assert.deepEqual(await workspace.list("", false), { entries: [], isCut: false });
    await workspace.write("x", "y");
    assert.ok(existsSync(join(outer, "agents", "main", "x")));
  });
});
