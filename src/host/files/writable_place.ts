/** Tells before a long work whether its result could be written. Writes nothing. */

import { accessSync, constants, lstatSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { codeOf, wordsOfCode } from "../../lib/errors.ts";

/**
 * Tells why a file could not be created or replaced.
 *
 * @param path Absolute; the file and folders above it need not exist.
 * @returns `"a part of its path is no folder"`; `undefined` if it probably could.
 */
export function faultOfFile(path: string): string | undefined {
  return faultOf(path, (found) => {
    if (found.isDirectory()) return "it is a folder";
    return found.isFile() ? faultOfFolder(dirname(path)) : "it is no regular file";
  });
}

/** The same for a folder in which files are to be created. */
export function faultOfFolder(path: string): string | undefined {
  return faultOf(path, (found) => {
    if (!found.isDirectory()) return "a part of its path is no folder";
    accessSync(path, constants.W_OK | constants.X_OK);
    return undefined;
  });
}

function faultOf(path: string, judge: (found: Stats) => string | undefined): string | undefined {
  try {
    return judge(statSync(path));
  } catch (error) {
    if (codeOf(error) !== "ENOENT") return wordsOfCode(error) ?? codeOf(error) ?? "unknown reason";
  }
  if (lstatSync(path, { throwIfNoEntry: false })) return "its link leads to nothing";
  const folder = dirname(path);
  return folder === path ? "there is no such file" : faultOfFolder(folder);
}
