/**
 * Finds the agent's workspace: the configured folder, or one in the data directory (S6).
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import type { SharedConfig } from "../../config/config.ts";
import type { WorkspacePort } from "../../core/turn/ports/workspace.ts";
import { createWorkspace } from "../../workspace/files.ts";

/** The workspace's path. A relative one counts from the folder of the config file. */
export function workspaceOf(
  { agent, file }: Pick<SharedConfig, "agent" | "file">,
  dataDir: string,
) {
  const { id, workspace } = agent;
  if (workspace === undefined) return join(dataDir, "agents", id);
  return resolve(file === undefined ? "." : dirname(file), workspace);
}

/** Creates the port. */
export function createWorkspacePort(root: () => string): WorkspacePort {
  return createWorkspace(root, () => randomBytes(8).toString("hex"));
}
