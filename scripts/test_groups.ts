/**
 * Groups the test files of a folder, so that they load the program once.
 *
 * Loading takes a test file 0.1 to 0.3 s of CPU time, more than most tests. A group is a generated
 * file that imports the tests of one folder. The files of a group share globals, and groups do not.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

/** A generated test file. */
export interface Group {
  /** Name of the file: `"store_inbox_test.ts"`. */
  readonly name: string;
  /** Test files from the root, with slashes. */
  readonly tests: readonly string[];
}

/**
 * Groups test files by their folder.
 *
 * @param tests Paths from the root, with slashes: `"tests/store/inbox/claims_test.ts"`.
 * @returns Sorted by name.
 */
export function groupsOf(tests: readonly string[]): readonly Group[] {
  const groups = Map.groupBy(tests, dirname);
  return [...groups].map(([folder, files]): Group => ({
    name: `${folder.split("/").slice(1).join("_") || "root"}_test.ts`,
    tests: files.toSorted(),
  })).sort((left, right) => left.name < right.name ? -1 : 1);
}

/**
 * Writes groups as test files.
 *
 * @param folder From the root; it may be missing.
 * @returns Paths of the files, from the root.
 */
export function writeGroups(groups: readonly Group[], folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true });
  return groups.map(({ name, tests }) => {
    const path = join(folder, name);
    const imports = tests.map((test) =>
      `import "${relative(folder, test).split(sep).join("/")}";\n`
    );
    writeFileSync(path, imports.join(""));
    return path;
  });
}
