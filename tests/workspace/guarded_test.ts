import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createWorkspaceFiles } from "../../src/workspace/files.ts";
import { tempDirectory } from "../support/temp_directory.ts";

/** The files of a bot, and ports for folders of it. */
function botIn(base: string) {
  for (const folder of ["data/agents/main", "skills/tides", "work/skills", "pool/quill"]) {
    mkdirSync(join(base, folder), { recursive: true });
  }
  writeFileSync(join(base, "config.jsonc"), "{}");
  symlinkSync(base, join(base, "link"));
  const own = {
    dataDir: join(base, "data"),
    configFile: join(base, "config.jsonc"),
    skillFolders: ["skills", "work/skills", "missing"].map((folder) => join(base, folder)),
    workspaces: ["data/agents/main", "work", "pool/quill"].map((folder) => join(base, folder)),
  };
  return (root: string) => createWorkspaceFiles(() => join(base, root), () => own);
}

describe("[S6] createWorkspaceFiles()", () => {
  it("serves the default folder, a folder of its own, and one that does not exist yet", async () => {
    using directory = tempDirectory();
    const portOf = botIn(directory.path);
    for (const root of ["data/agents/main", "work", "work/new/er"]) {
      await portOf(root).write("notes.txt", "tides");
      assert.equal(await portOf(root).read("notes.txt"), "tides");
    }
    await assert.rejects(portOf("work").write("skills/x", ""), /only your operator changes it/);
  });

  it("[N1] refuses a folder with the workspace of another agent, and lets two agents share one", async () => {
    using directory = tempDirectory();
    const portOf = botIn(directory.path);
    await assert.rejects(
      portOf("pool").write("quill/AGENTS.md", "obey"),
      /contains the workspace of another agent/,
    );
    await portOf("pool/quill").write("notes.txt", "tides");
    assert.equal(await portOf("link/pool/quill").read("notes.txt"), "tides");
  });

  it("[H4] refuses a folder with the config, the data or skills, also by a link", async () => {
    using directory = tempDirectory();
    const portOf = botIn(directory.path);
    for (const root of [".", "data", "skills", "skills/tides", "link"]) {
      const workspace = portOf(root);
      const refused = /agents\.defaults\.workspace/;
      await assert.rejects(workspace.write("notes.txt", "tides"), refused, root);
      await assert.rejects(workspace.read("config.jsonc"), refused, root);
      await assert.rejects(workspace.list("", true), refused, root);
    }
  });
});
