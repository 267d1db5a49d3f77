/**
 * The agent's workspace, for tools.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import type { WorkspacePort } from "../../core/turn/ports/workspace.ts";
import { createWorkspace } from "../../workspace/files.ts";

/** Creates the port. */
export function createWorkspacePort(root: () => string): WorkspacePort {
  return createWorkspace(root, () => randomBytes(8).toString("hex"));
}
