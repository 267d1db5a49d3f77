import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { faultOfFile, faultOfFolder } from "../../../src/host/files/write_file.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

describe("[O10] faultOfFile() and faultOfFolder()", () => {
  const CASES: readonly (readonly [
    name: string,
    file: string | undefined,
    folder: string | undefined,
  ])[] = [
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
