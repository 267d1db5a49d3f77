import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { groupsOf, writeGroups } from "../../scripts/test_groups.ts";
import { tempDirectory } from "../support/temp_directory.ts";

describe("groupsOf()", () => {
  it("puts the tests of one folder into one group, and each test into one", () => {
    const groups = groupsOf([
      "tests/lib/text/a_test.ts",
      "tests/http/a_test.ts",
      "tests/lib/a_test.ts",
    ]);
    assert.deepEqual(groups, [
      { name: "http_test.ts", tests: ["tests/http/a_test.ts"] },
      { name: "lib_test.ts", tests: ["tests/lib/a_test.ts", "tests/lib/text/a_test.ts"] },
    ]);
  });

  it("divides the tests of one folder evenly, so that no group has more than asked for", () => {
    const files = ["a", "b", "c", "d", "e"].map((name) => `tests/lib/${name}_test.ts`);
    assert.deepEqual(groupsOf(files, 2).map(({ name, tests }) => [name, tests.length]), [
      ["lib_1_test.ts", 2],
      ["lib_2_test.ts", 2],
      ["lib_3_test.ts", 1],
    ]);
  });

  it("names the group of the tests beside all folders", () => {
    assert.deepEqual(groupsOf(["tests/log_test.ts"]), [
      { name: "root_test.ts", tests: ["tests/log_test.ts"] },
    ]);
  });
});

describe("writeGroups()", () => {
  it("writes files that import their tests", () => {
    using directory = tempDirectory();
    const folder = join(directory.path, "groups");
    const paths = writeGroups(
      [{ name: "lib_test.ts", tests: [join(directory.path, "lib", "a_test.ts")] }],
      folder,
    );
    assert.deepEqual(paths, [join(folder, "lib_test.ts")]);
    assert.equal(readFileSync(paths[0] ?? "", "utf8"), 'import "../lib/a_test.ts";\n');
  });
});
