/**
 * Groups the test files of a folder of `tests/`, so that they load the program once.
 *
 * Loading takes a test file 0.1 to 0.9 s of CPU time, more than most tests. A group is a generated
 * file that imports the tests of one folder. The files of a group share globals, and groups do not.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

export interface Group {
  /** Name of the file: `"store_inbox_test.ts"`. */
  readonly name: string;
  /** Test files from the root, with slashes. */
  readonly tests: readonly string[];
}

/**
 * Groups test files by their folder of `tests/`, with the folders below it.
 *
 * @param tests Paths from the root, with slashes: `"tests/store/inbox/claims_test.ts"`.
 * @param most Maximum number of files in a group: tests that wait run beside each other.
 * @returns Sorted by name.
 */
export function groupsOf(tests: readonly string[], most: number = Infinity): readonly Group[] {
  const groups = Map.groupBy(tests.toSorted(), folderOf);
  return [...groups].flatMap(([name, files]): readonly Group[] => {
    const parts = Math.ceil(files.length / most) || 1;
    return Array.from({ length: parts }, (_, part) => ({
      name: parts === 1 ? `${name}_test.ts` : `${name}_${part + 1}_test.ts`,
      tests: files.filter((_, index) => index % parts === part),
    }));
  }).sort((left, right) => left.name < right.name ? -1 : 1);
}

/** First folder below `tests/`: `"store"` for `"tests/store/inbox/claims_test.ts"`. */
function folderOf(test: string): string {
  const [, folder = "", file] = test.split("/");
  return file === undefined ? "root" : folder;
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
