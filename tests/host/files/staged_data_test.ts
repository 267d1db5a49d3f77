import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  contentOf,
  finishReplacing,
  isOldContent,
  isUnfinished,
  NEW_NAME,
  PREPARING_NAME,
  replaceData,
} from "../../../src/host/files/staged_data.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const OLD = "before-restore-1.bak";
const write = (path: string, text: string) => writeFileSync(path, text);

/** A data directory with old content, and prepared new content. */
function prepare(dir: string, old: readonly string[]): void {
  const content = (folder: string, names: readonly string[], text: string) => {
    for (const name of names) {
      if (name.includes(".")) write(join(folder, name), text);
      else {
        mkdirSync(join(folder, name), { recursive: true });
        write(join(folder, name, "file"), text);
      }
    }
  };
  write(join(dir, "lock"), "mine");
  content(dir, old, "old");
  const prepared = join(dir, PREPARING_NAME, NEW_NAME);
  mkdirSync(prepared, { recursive: true });
  content(prepared, ["barnacle.db", "agents"], "new");
}

function assertReplaced(dir: string, old: readonly string[]): void {
  assert.equal(readFileSync(join(dir, "barnacle.db"), "utf8"), "new");
  assert.equal(readFileSync(join(dir, "agents", "file"), "utf8"), "new");
  assert.equal(readFileSync(join(dir, "lock"), "utf8"), "mine");
  const kept = existsSync(join(dir, OLD)) ? readdirSync(join(dir, OLD)).toSorted() : [];
  assert.deepEqual(kept, old.toSorted());
  const others = old.length === 0 ? [] : [OLD];
  assert.deepEqual(
    readdirSync(dir).toSorted(),
    ["agents", "barnacle.db", ...others, "lock"].toSorted(),
  );
}

describe("[O11] replaceData()", () => {
  const contents = [[], ["barnacle.db", "barnacle.db-wal", "agents", "media"]];
  for (const old of contents) {
    it(`replaces ${old.join(", ") || "nothing"}`, () => {
      using directory = tempDirectory();
      prepare(directory.path, old);
      assert.deepEqual(contentOf(directory.path), old.toSorted((a, b) => rank(a) - rank(b)));
      const replaced = replaceData(directory.path, "1", write);
      assert.equal(replaced?.old, old.length > 0 ? join(directory.path, OLD) : undefined);
      assertReplaced(directory.path, old);
      assert.equal(finishReplacing(directory.path), undefined);
    });

    it(`keeps what only the new content replaces: ${old.join(", ") || "nothing"}`, () => {
      using directory = tempDirectory();
      prepare(directory.path, old);
      const prepared = join(directory.path, PREPARING_NAME, NEW_NAME);
      for (const [folder, text] of [[directory.path, "mine"], [prepared, "new"]] as const) {
        mkdirSync(join(folder, "workspaces"));
        write(join(folder, "workspaces", "notes.md"), text);
      }
      assert.ok(replaceData(directory.path, "1", write)?.old);
      const read = (...path: string[]) =>
        readFileSync(join(directory.path, ...path, "workspaces", "notes.md"), "utf8");
      assert.deepEqual([read(), read(OLD)], ["new", "mine"]);
    });

    it(`finishes that after a death at each step: ${old.join(", ") || "nothing"}`, () => {
      for (let fatal = 1;; fatal++) {
        using directory = tempDirectory();
        prepare(directory.path, old);
        let step = 0;
        const die = () => {
          if (++step === fatal) throw new Error("killed");
        };
        try {
          replaceData(directory.path, "1", write, die);
        } catch {
          assert.ok(isUnfinished(directory.path));
          finishReplacing(directory.path);
          assertReplaced(directory.path, old);
          continue;
        }
        assert.ok(fatal > old.length + 2);
        return;
      }
    });
  }

  it("takes no unfinished preparation", () => {
    using directory = tempDirectory();
    prepare(directory.path, ["barnacle.db"]);
    assert.ok(!isUnfinished(directory.path));
    assert.equal(finishReplacing(directory.path), undefined);
    assert.equal(readFileSync(join(directory.path, "barnacle.db"), "utf8"), "old");
  });
});

/** The order in which content moves. */
function rank(name: string): number {
  return ["barnacle.db-wal", "barnacle.db", "agents", "media"].indexOf(name);
}

describe("[O11] isOldContent()", () => {
  it("knows the folders of earlier restores", () => {
    assert.ok(isOldContent(OLD));
    for (const name of ["barnacle.db.schema1-x.bak", "before-restore-1", "x"]) {
      assert.ok(!isOldContent(name));
    }
  });
});
