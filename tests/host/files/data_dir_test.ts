import assert from "node:assert/strict";
import process from "node:process";
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import {
  DataDirError,
  type DataDirErrorKind,
  type DataDirSources,
  findDataDir,
  isOldContent,
  oldContentName,
  prepareDataDir,
  runtimeDir,
} from "../../../src/host/files/data_dir.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** Cases of Windows: name, environment, flag and path. */
const WINDOWS: readonly (readonly [string, Readonly<Record<string, string>>, string, string])[] = [
  [
    "the local folder of the user on Windows",
    { LOCALAPPDATA: "D:\\Ada\\Local", APPDATA: "D:\\Ada\\Roaming" },
    "",
    "D:\\Ada\\Local\\barnacle\\data",
  ],
  ["the profile on Windows without it", {}, "", "C:\\Users\\ada\\AppData\\Local\\barnacle\\data"],
  [
    "no relative folder on Windows",
    { LOCALAPPDATA: "Local" },
    "",
    "C:\\Users\\ada\\AppData\\Local\\barnacle\\data",
  ],
  ["a flag with slashes on Windows", {}, "E:/bot/data", "E:\\bot\\data"],
  [
    "no variable of systemd on Windows",
    { STATE_DIRECTORY: "C:\\x", BARNACLE_DATA: "" },
    "",
    "C:\\Users\\ada\\AppData\\Local\\barnacle\\data",
  ],
];

describe("[X2] findDataDir()", () => {
  const home = "/home/ada";
  const env = {
    BARNACLE_DATA: "/from/env",
    STATE_DIRECTORY: "/from/systemd:/another",
    XDG_DATA_HOME: "/from/xdg",
  };
  const { BARNACLE_DATA: _, ...withoutOurs } = env;
  const { STATE_DIRECTORY: __, ...withXdg } = withoutOurs;
  const HOME_DEFAULT = "/home/ada/.local/share/barnacle";

  const CASES: readonly (readonly [name: string, given: DataDirSources, path: string])[] = [
    ["--data before all", { flag: "/from/flag", env, home }, "/from/flag"],
    ["BARNACLE_DATA next", { env, home }, "/from/env"],
    ["systemd's next, the first of several", { env: withoutOurs, home }, "/from/systemd"],
    ["XDG's next, with our name", { env: withXdg, home }, "/from/xdg/barnacle"],
    ["the home directory last", { env: {}, home }, HOME_DEFAULT],
    ["no value", { flag: "", env: { BARNACLE_DATA: "", STATE_DIRECTORY: "" }, home }, HOME_DEFAULT],
    ["no relative XDG_DATA_HOME", { env: { XDG_DATA_HOME: "data" }, home }, HOME_DEFAULT],
    ["a relative flag from where we are", { flag: "data", env, home }, resolve("data")],
    ...WINDOWS.map(([name, env, flag, path]) =>
      [name, { env, flag, home: "C:\\Users\\ada", platform: "win32" }, path] as const
    ),
  ];
  for (const [name, given, path] of CASES) {
    it(`takes ${name}`, () => assert.equal(findDataDir(given), path));
  }
});

it("[O11] isOldContent() › knows only the folders of a restore", () => {
  const names = [oldContentName("1"), "before-restore-1", "notes.bak"];
  assert.deepEqual(names.map(isOldContent), [true, false, false]);
});

describe("[X2] prepareDataDir()", () => {
  const isWindows = process.platform === "win32";
  const isRoot = process.geteuid?.() === 0;
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

  function refuses(path: string, kind: DataDirErrorKind, ...words: readonly string[]): void {
    assert.throws(() => prepareDataDir(path), (error: unknown) => {
      assert.ok(error instanceof DataDirError, String(error));
      assert.equal(error.kind, kind);
      assert.equal(error.path, path);
      for (const word of [path, "--data", ...words]) {
        assert.ok(error.message.includes(word), `${word} in: ${error.message}`);
      }
      return true;
    });
  }

  it("creates it and its parents, for this user only", skipUnless(!isWindows, "no modes"), () => {
    using directory = tempDirectory();
    const path = join(directory.path, "share", "barnacle");
    prepareDataDir(path);
    prepareDataDir(path);
    assert.equal(modeOf(path), "700");
    assert.equal(modeOf(join(directory.path, "share")), "700");
  });

  it(
    "makes an empty directory or one of Barnacle's private",
    skipUnless(!isWindows, "no modes"),
    () => {
      using directory = tempDirectory();
      for (const name of ["empty", "ours"]) {
        const path = join(directory.path, name);
        mkdirSync(path);
        if (name === "ours") writeFileSync(join(path, "barnacle.db"), "");
        chmodSync(path, 0o755);
        prepareDataDir(path);
        assert.equal(modeOf(path), "700", name);
      }
    },
  );

  it("leaves a directory with other files unchanged", skipUnless(!isWindows, "no modes"), () => {
    using directory = tempDirectory();
    chmodSync(directory.path, 0o755);
    writeFileSync(join(directory.path, "photo.jpg"), "");
    refuses(directory.path, "not_private", "chmod 700");
    assert.equal(modeOf(directory.path), "755");
    chmodSync(directory.path, 0o700); // a user may choose a shared directory on purpose
    prepareDataDir(directory.path);
  });

  it("refuses a path that is not a directory", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "file");
    writeFileSync(path, "");
    refuses(path, "not_a_directory");
    refuses(join(path, "below"), "not_a_directory");
    const dangling = join(directory.path, "link");
    symlinkSync(join(directory.path, "nowhere"), dangling);
    assert.throws(() => prepareDataDir(dangling), DataDirError);
  });

  it(
    "refuses a directory of another user, and names the user",
    skipUnless(isRoot, "only root can give a directory away"),
    () => {
      using directory = tempDirectory();
      chownSync(directory.path, 12_345, 12_345);
      refuses(directory.path, "not_ours", "12345", "chown");
    },
  );

  it(
    "refuses a read-only directory",
    skipUnless(!isRoot && !isWindows, "a read-only directory does not stop root"),
    () => {
      using directory = tempDirectory();
      chmodSync(directory.path, 0o500);
      refuses(directory.path, "unwritable");
      refuses(join(directory.path, "below"), "unwritable");
      chmodSync(directory.path, 0o700);
    },
  );
});

const uid = process.getuid?.();
const MADE = `barnacle-${uid}`;

describe("[G11] runtimeDir()", () => {
  it("returns the user's own, if there is one", () => {
    using directory = tempDirectory();
    const env = { XDG_RUNTIME_DIR: directory.path };
    assert.equal(runtimeDir({ env, tmp: "/dev/null/nowhere", uid }), directory.path);
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
    assert.equal(runtimeDir({ env: {}, tmp: "/dev/null/nowhere", uid }), undefined);
  });
});
