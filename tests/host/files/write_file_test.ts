import assert from "node:assert/strict";
import process from "node:process";
import { Buffer } from "node:buffer";
import { execFile, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { promisify } from "node:util";
import {
  faultOfFile,
  faultOfFolder,
  removeDeadFiles,
  renameOver,
  replaceFile,
  WriteError,
} from "../../../src/host/files/write_file.ts";
import { sameData } from "../../support/same_data.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** What a program of the runtime that runs the tests prints. */
async function outputOf(args: readonly string[]): Promise<string> {
  const own = "Deno" in globalThis ? ["run", "-A", "--no-check", "--no-config"] : ["run"];
  const { stdout } = await promisify(execFile)(process.execPath, [...own, ...args]);
  return stdout;
}

describe("[C10] replaceFile()", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "barnacle-write-"));
    path = join(folder, "config.jsonc");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8);
  const failure = (text: string, expected: string | undefined): WriteError => {
    try {
      replaceFile({ path, text, expected });
    } catch (error) {
      if (error instanceof WriteError) return error;
      throw error;
    }
    return assert.fail("it was written");
  };

  it("keeps a copy of the old file, and both have its mode", () => {
    writeFileSync(path, "old");
    for (const bits of [0o600, 0o640, 0o644]) {
      chmodSync(path, bits);
      const text = `new ${bits}`;
      const expected = readFileSync(path, "utf8");
      assert.deepEqual(replaceFile({ path, text, expected }), { path, backup: `${path}.bak` });
      assert.equal(readFileSync(path, "utf8"), text);
      assert.equal(readFileSync(`${path}.bak`, "utf8"), expected);
      assert.deepEqual([mode(path), mode(`${path}.bak`)], [bits.toString(8), bits.toString(8)]);
    }
    assert.deepEqual(readdirSync(folder).toSorted(), ["config.jsonc", "config.jsonc.bak"]);
  });

  it("creates a file that only its owner reads, and missing folders", () => {
    path = join(folder, "a", "b", "config.jsonc");
    sameData(replaceFile({ path, text: "{}", expected: undefined }), { path });
    assert.equal(mode(path), "600");
    assert.equal(mode(join(folder, "a")), "700");
    assert.deepEqual(readdirSync(join(folder, "a", "b")), ["config.jsonc"]);
  });

  it("replaces the target of a link, and keeps the link", () => {
    const target = join(folder, "elsewhere", "real.jsonc");
    mkdirSync(join(folder, "elsewhere"));
    writeFileSync(target, "old");
    symlinkSync(target, path);
    assert.deepEqual(replaceFile({ path, text: "new", expected: "old" }), {
      path: target,
      backup: `${target}.bak`,
    });
    assert.equal(readlinkSync(path), target);
    assert.equal(readFileSync(target, "utf8"), "new");
  });

  it("follows chains of links, each relative to its folder", () => {
    const deep = join(folder, "deep");
    mkdirSync(deep);
    writeFileSync(path, "old");
    symlinkSync("../config.jsonc", join(deep, "one"));
    symlinkSync(deep, join(folder, "short"));
    symlinkSync("short/one", join(folder, "two"));
    replaceFile({ path: join(folder, "two"), text: "new", expected: "old" });
    assert.equal(readFileSync(path, "utf8"), "new");
    assert.equal(readlinkSync(join(folder, "two")), "short/one");
  });

  it("refuses links in a circle", () => {
    symlinkSync("there", join(folder, "here"));
    symlinkSync("here", join(folder, "there"));
    path = join(folder, "here");
    assert.match(
      failure("new", undefined).message,
      /cannot be written \(its links lead in a circle\)$/,
    );
  });

  it("refuses a dangling link, and creates no file", () => {
    symlinkSync(join(folder, "nowhere"), path);
    assert.equal(failure("new", undefined).kind, "unwritable");
    assert.ok(!existsSync(join(folder, "nowhere")));
  });

  it("never overwrites a change that another program made meanwhile", () => {
    writeFileSync(path, "theirs");
    for (const expected of ["ours", undefined, "theirs "]) {
      assert.equal(failure("new", expected).kind, "changed");
    }
    assert.equal(readFileSync(path, "utf8"), "theirs");
    rmSync(path);
    assert.equal(failure("new", "theirs").kind, "changed");
    assert.deepEqual(readdirSync(folder), []);
  });

  it("never replaces bytes that are not text, since it could not restore them", () => {
    writeFileSync(path, new Uint8Array([0x7b, 0xff, 0x7d]));
    const error = failure("new", readFileSync(path, "utf8"));
    assert.equal(error.kind, "unwritable");
    assert.match(error.message, /not text; save it as UTF-8$/);
    assert.deepEqual(readdirSync(folder), ["config.jsonc"]);
  });

  it("refuses while another program writes, whose change would be lost", () => {
    writeFileSync(path, "old");
    const part = join(folder, ".config.jsonc.part");
    writeFileSync(part, "half");
    assert.equal(failure("new", "old").kind, "changed");
    assert.deepEqual([readFileSync(path, "utf8"), readFileSync(part, "utf8")], ["old", "half"]);
    const long = new Date(Date.now() - 3_600_000); // its writer has died
    utimesSync(part, long, long);
    replaceFile({ path, text: "new", expected: "old" });
    assert.deepEqual(readdirSync(folder).toSorted(), ["config.jsonc", "config.jsonc.bak"]);
  });

  it("loses no reported change of several concurrent processes", async () => {
    const program = join(folder, "add.ts");
    const module = new URL("../../../src/host/files/write_file.ts", import.meta.url);
    writeFileSync(
      program,
      `import { readFileSync } from "node:fs";
       import process from "node:process";
       import { replaceFile } from ${JSON.stringify(module.href)};
       const [path, word] = process.argv.slice(2);
       for (let round = 0; round < 50; round += 1) {
         const expected = readFileSync(path, "utf8");
         const line = word + round + "\\n";
         try {
           replaceFile({ path, text: expected + line, expected });
           process.stdout.write(line);
         } catch (error) {
           if (error.kind !== "changed") throw error;
         }
       }`,
    );
    writeFileSync(path, "");
    const said = await Promise.all(["a", "b", "c"].map((word) => outputOf([program, path, word])));
    const made = said.join("").split("\n").filter((line) => line !== "");
    assert.ok(made.length > 0);
    assert.deepEqual(
      readFileSync(path, "utf8").split("\n").filter(Boolean).toSorted(),
      made.toSorted(),
    );
  });

  it("replaces in one step: a reader with the old file open reads all of it", () => {
    writeFileSync(path, "old");
    linkSync(path, join(folder, "still-open"));
    replaceFile({ path, text: "new", expected: "old" });
    assert.equal(readFileSync(join(folder, "still-open"), "utf8"), "old");
  });

  it("leaves the file unchanged if the system refuses, and no temporary file", () => {
    writeFileSync(path, "old");
    mkdirSync(`${path}.bak`); // a rename cannot take the place of a folder
    const error = failure("new", "old");
    assert.equal(error.kind, "unwritable");
    assert.match(error.message, /cannot be written \([a-z, -]+\)$/);
    assert.equal(readFileSync(path, "utf8"), "old");
    assert.deepEqual(readdirSync(folder).toSorted(), ["config.jsonc", "config.jsonc.bak"]);
  });

  it("makes UTF-8 of UTF-16, and keeps the old bytes as the copy", () => {
    const old = Buffer.from("\uFEFF{}", "utf16le");
    writeFileSync(path, old);
    assert.deepEqual(replaceFile({ path, text: "new", expected: "{}" }).path, path);
    assert.equal(readFileSync(path, "utf8"), "new");
    assert.deepEqual(readFileSync(`${path}.bak`), old);
  });

  const canMount = spawnSync("unshare", ["-rm", "true"]).status === 0;
  for (const isWritable of [true, false]) {
    const what = isWritable
      ? "writes into a mounted file"
      : "keeps the copy of before if it cannot";
    it(what, skipUnless(canMount, "mounts: no user namespaces"), () => {
      const program = join(folder, "replace.ts");
      const module = new URL("../../../src/host/files/write_file.ts", import.meta.url);
      writeFileSync(
        program,
        `import process from "node:process";
         import { replaceFile } from ${JSON.stringify(module.href)};
         try {
           replaceFile({ path: process.argv[2], text: "new", expected: "older text" });
         } catch (error) {
           console.log(error.message);
         }`,
      );
      path = join(folder, "a config.jsonc");
      writeFileSync(join(folder, "outside"), "older text");
      writeFileSync(path, "");
      writeFileSync(`${path}.bak`, "of before");
      const flag = isWritable ? "rw" : "ro";
      const mount = `mount --bind "$1" "$2" && mount -o remount,bind,${flag} "$2"`;
      const own = "Deno" in globalThis ? ["run", "-A", "--no-check", "--no-config"] : ["run"];
      const run = [process.execPath, ...own, program, path];
      const script = [
        "-c",
        `${mount} && shift 2 && exec "$@"`,
        "sh",
        join(folder, "outside"),
        path,
      ];
      const { stdout } = spawnSync("unshare", ["-rm", "sh", ...script, ...run]);
      assert.match(`${stdout}`, isWritable ? /^$/ : /cannot be written/);
      const outside = readFileSync(join(folder, "outside"), "utf8");
      const backup = readFileSync(`${path}.bak`, "utf8");
      assert.deepEqual(
        [outside, backup],
        isWritable ? ["new", "older text"] : ["older text", "of before"],
      );
      assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith(".")), []);
    });
  }

  it("refuses to replace a folder", () => {
    mkdirSync(path);
    assert.match(failure("new", undefined).message, /cannot be written \(it is a folder\)/);
  });
});

describe("[C10] renameOver()", () => {
  /** Fails so often with a code, and then renames. */
  function failing(times: number, code: string) {
    let calls = 0;
    const rename = () => {
      if (calls++ < times) throw Object.assign(new Error(code), { code });
    };
    return { rename, calls: () => calls };
  }

  for (const code of ["EPERM", "EACCES", "EBUSY"]) {
    it(`tries again on Windows after ${code}: another program reads the target`, () => {
      const { rename, calls } = failing(2, code);
      renameOver("a", "b", { platform: "win32", rename });
      assert.equal(calls(), 3);
    });
  }

  it("tries once elsewhere, and after other errors", () => {
    for (const [platform, code] of [["linux", "EPERM"], ["win32", "ENOENT"]] as const) {
      const { rename, calls } = failing(1, code);
      assert.throws(() => renameOver("a", "b", { platform, rename }), { code });
      assert.equal(calls(), 1);
    }
  });
});

it("[O11] [O13] removeDeadFiles() › removes what a process left that died, and nothing of one that runs", () => {
  using folder = tempDirectory();
  const living = `.copy-${process.ppid}.part`;
  for (const name of [living, `.copy-${process.pid}.part`, ".copy-999999999.part", "kept"]) {
    writeFileSync(join(folder.path, name), "");
  }
  mkdirSync(join(folder.path, ".folder-999999998.part"));
  removeDeadFiles(folder.path, /^\..+-(\d+)\.part$/);
  assert.deepEqual(readdirSync(folder.path).sort(), [living, "kept"]);
});

describe("[O10] faultOfFile() and faultOfFolder()", () => {
  const CASES: readonly (readonly [string, string | undefined, string | undefined])[] = [
    ["new", undefined, undefined],
    ["new/below/it", undefined, undefined],
    ["folder", "it is a folder", undefined],
    ["file", undefined, "a part of its path is no folder"],
    ["file/below", "a part of its path is no folder", "a part of its path is no folder"],
    ["loop", "its links lead in a circle", "its links lead in a circle"],
    ["loop/below", "its links lead in a circle", "its links lead in a circle"],
    ["dangling", "its link leads to nothing", "its link leads to nothing"],
    ["dangling/below", "its link leads to nothing", "its link leads to nothing"],
    ["x".repeat(300), "its path is too long", "its path is too long"],
  ];
  for (const [name, file, folder] of CASES) {
    it(`judges ${name.slice(0, 20)}`, () => {
      using directory = tempDirectory();
      const at = (name: string) => join(directory.path, name);
      mkdirSync(at("folder"));
      writeFileSync(at("file"), "");
      symlinkSync(at("loop"), at("loop"));
      symlinkSync(at("nowhere"), at("dangling"));
      assert.equal(faultOfFile(at(name)), file);
      assert.equal(faultOfFolder(at(name)), folder);
      assert.equal(existsSync(at("new")), false);
    });
  }

  it(
    "judges folders without the right to write",
    skipUnless(process.getuid?.() !== 0 && process.platform === "linux", "root may write anywhere"),
    () => {
      using directory = tempDirectory();
      chmodSync(directory.path, 0o500);
      assert.equal(faultOfFile(join(directory.path, "new")), "permission denied");
      assert.equal(faultOfFolder(directory.path), "permission denied");
      chmodSync(directory.path, 0o700);
    },
  );

  it("judges a device", skipUnless(process.platform === "linux", "no /dev"), () => {
    assert.equal(faultOfFile("/dev/null"), "it is no regular file");
  });
});
