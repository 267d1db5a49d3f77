/**
 * The agent's workspace, for tools.
 *
 * If a config puts the workspace around Barnacle's own files, an injected call could change the config
 * or write a skill. Then no tool gets any file.
 */

import { randomBytes } from "node:crypto";
import { realpath } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import type { WorkspacePort } from "../core/turn/ports/host.ts";
import { codeOf } from "../lib/errors.ts";
import { createWorkspace } from "./files.ts";

/** Paths that no workspace may contain. */
export interface OwnPaths {
  readonly dataDir: string;
  /** The config file; absent if there is none. */
  readonly configFile?: string;
  /** Folders of the config with skills. A workspace may not be in one of them either. */
  readonly skillFolders: readonly string[];
  /** Workspaces of all agents. Agents may share one, but none may be within another. */
  readonly workspaces: readonly string[];
}

/** Creates the port. Both functions are called for each call of a tool. */
export function createWorkspacePort(
  root: () => string,
  own: () => OwnPaths,
): WorkspacePort {
  const files = createWorkspace(root, () => randomBytes(8).toString("hex"));
  const check = (): Promise<void> => assertApart(root(), own());
  return {
    async read(path) {
      await check();
      return await files.read(path);
    },
    async readBytes(path, maxBytes) {
      await check();
      return await files.readBytes(path, maxBytes);
    },
    async write(path, text) {
      await check();
      await files.write(path, text);
    },
    async list(path, isRecursive) {
      await check();
      return await files.list(path, isRecursive);
    },
  };
}

/**
 * Checks that a workspace has nothing of Barnacle in it: neither its data, nor its config or skills,
 * nor the workspace of another agent, whose instructions it could change.
 *
 * @throws {Error} If it has, with the reason in words.
 */
export async function assertApart(
  root: string,
  { dataDir, configFile, skillFolders, workspaces }: OwnPaths,
): Promise<void> {
  const workspace = await realPathOf(root);
  const refuse = (what: string) => {
    throw new Error(
      `the workspace cannot be used, because ${what}: ask your operator for another folder ` +
        "(agents.defaults.workspace)",
    );
  };
  const isWithin = async (path: string) => isBelow(await realPathOf(path), workspace);
  if (await isWithin(dataDir)) refuse("it contains the data directory");
  if (configFile !== undefined && await isWithin(configFile)) refuse("it contains the config");
  for (const folder of skillFolders) {
    const skills = await realPathOf(folder);
    if (isBelow(skills, join(workspace, "skills"))) continue; // tools cannot change these
    if (isBelow(skills, workspace) || isBelow(workspace, skills)) refuse("it contains skills");
  }
  for (const folder of workspaces) {
    if (folder === root) continue;
    const other = await realPathOf(folder);
    if (other !== workspace && isBelow(other, workspace)) {
      refuse("it contains the workspace of another agent");
    }
  }
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** The path without links. Its last parts may be missing. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const above = dirname(path);
    if (codeOf(error) !== "ENOENT" || above === path) throw error;
    return join(await realPathOf(above), basename(path));
  }
}
