/**
 * Checks what `store.partitions` needs (O16). Says that files stay on their machine if several
 * processes share the store without `files.url` (O17).
 */

import type { ProblemAt } from "./parse.ts";
import type { Settings } from "./schema/root.ts";
import type { Problem } from "./text/problem.ts";

/** Finds the problems. @param isFilesFaulty Whether `files` has an error that is reported already. */
export function storeProblems(
  { store, files, agents }: Partial<Settings>,
  problemAt: ProblemAt,
  isFilesFaulty = false,
): readonly Problem[] {
  if (!store) return [];
  return [
    ...(isFilesFaulty ? [] : filesProblems({ store, files, agents }, problemAt)),
    ...partitionProblems({ store }, problemAt),
  ];
}

function filesProblems(
  { store, files, agents }: Pick<Settings, "store"> & Partial<Pick<Settings, "files" | "agents">>,
  problemAt: ProblemAt,
): readonly Problem[] {
  if (store.url && files?.url === undefined) {
    const message = "Workspaces and kept files stay on the machine of their process: after a " +
      "takeover, the agent lacks those of the other one";
    const hint = "write files.url, a folder or a bucket that all processes reach";
    return [problemAt("warning", ["files", "url"], message, hint)];
  }
  if (!files || !agents) return [];
  const { url, ...ofBucket } = files;
  const unused = Object.entries(ofBucket).find(([, value]) => value !== undefined)?.[0];
  if (unused !== undefined && (url === undefined || !url.startsWith("s3:"))) {
    const message = `"${unused}" has no effect, because files.url names no bucket`;
    return [problemAt("warning", ["files", unused], message, `remove files.${unused}`)];
  }
  if (url === undefined) return [];
  const named = [agents.defaults, ...agents.list].some(({ workspace }) => workspace !== undefined);
  if (!named) return [];
  const message = "Workspaces that agents name stay where they are: files.url has none of them";
  return [
    problemAt("note", ["files", "url"], message, "remove workspace, or share that folder yourself"),
  ];
}

function partitionProblems(
  { store }: Pick<Settings, "store">,
  problemAt: ProblemAt,
): readonly Problem[] {
  if (store.partitions === 1 || store.url) return [];
  const message = "Several partitions need a database that the processes share";
  const hint = "set store.url, or remove store.partitions";
  return [problemAt("error", ["store", "partitions"], message, hint)];
}
