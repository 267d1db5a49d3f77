import assert from "node:assert/strict";
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { runtimeDir } from "../../../src/host/files/data_dir.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const uid = process.getuid?.();
const MADE = `barnacle-${uid}`;

describe("[G11] runtimeDir()", () => {
  it("returns the user's own, if there is one", () => {
    using directory = tempDirectory();
    const env = { XDG_RUNTIME_DIR: directory.path };
    assert.equal(runtimeDir({ env, tmp: "/nowhere", uid }), directory.path);
  });

  it("otherwise creates a private one among the temporary files, and reuses it", () => {
    using directory = tempDirectory();
    const sources = { env: {}, tmp: directory.path, uid };
    const made = runtimeDir(sources);
    assert.equal(made, join(directory.path, MADE));
    assert.equal(statSync(made ?? "").mode & 0o777, 0o700);
    assert.equal(runtimeDir(sources), made);
  });

  it("trusts no XDG_RUNTIME_DIR that others can write to, or that is relative", () => {
    using directory = tempDirectory();
    const shared = join(directory.path, "shared");
    mkdirSync(shared);
    chmodSync(shared, 0o777);
    for (const named of [shared, "run", join(directory.path, "none")]) {
      const env = { XDG_RUNTIME_DIR: named };
      assert.equal(runtimeDir({ env, tmp: directory.path, uid }), join(directory.path, MADE));
    }
  });

  const LAID: readonly (readonly [what: string, lay: (path: string, home: string) => void])[] = [
    ["a link", (path, home) => symlinkSync(home, path)],
    ["a file", (path) => writeFileSync(path, "")],
    ["a directory that others can read", (path) => {
      mkdirSync(path);
      chmodSync(path, 0o755);
    }],
  ];
  for (const [what, lay] of LAID) {
    it(`refuses an existing ${what.slice(2)}`, () => {
      using directory = tempDirectory();
      const home = join(directory.path, "home");
      mkdirSync(home, { mode: 0o700 });
      lay(join(directory.path, MADE), home);
      assert.equal(runtimeDir({ env: {}, tmp: directory.path, uid }), undefined);
    });
  }

  it("refuses a directory of another user", () => {
    using directory = tempDirectory();
    const stranger = (uid ?? 0) + 1;
    mkdirSync(join(directory.path, `barnacle-${stranger}`), { mode: 0o700 });
    assert.equal(runtimeDir({ env: {}, tmp: directory.path, uid: stranger }), undefined);
  });

  it("returns nothing if it cannot create one", () => {
    assert.equal(runtimeDir({ env: {}, tmp: "/nowhere", uid }), undefined);
  });
});
