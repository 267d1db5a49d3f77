/**
 * Creates the tools of the process: those of this version, and those of the config's servers.
 *
 * @module
 */

import type { BotConfig } from "../../config/config.ts";
import type { Tool } from "../../core/turn/tool.ts";
import { createJobs } from "../../sandbox/jobs.ts";
import type { Log } from "../../lib/log.ts";
import { TOOLS } from "../../tools/registry.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import { createWebPort } from "../turn/web_port.ts";
import { createSkillLibrary, skillFolders } from "../turn/skills_port.ts";
import { createWorkspacePort, workspaceOf } from "../turn/workspace_port.ts";

/** The dependencies of the tools. */
export interface ToolServicesOptions {
  readonly config: BotConfig;
  /** The data directory, with the agents' files. */
  readonly dataDir: string;
  /** Entry of the thread for untrusted data. */
  readonly jobWorkerUrl: URL;
  /** Barnacle's version. */
  readonly version: string;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Gets skills that cannot be used. */
  readonly log: Log;
}

/** Creates the tools. Nothing is loaded or started before a tool is called. */
export function createToolServices(
  { config, dataDir, jobWorkerUrl, version, now, log }: ToolServicesOptions,
): ToolServices {
  let current = config;
  const jobs = createJobs(jobWorkerUrl);
  const tools: readonly Tool[] = TOOLS;
  const skills = createSkillLibrary(() => skillFolders(current, dataDir), now, log);
  void skills.read();
  return {
    ports: {
      workspace: createWorkspacePort(() => workspaceOf(current, dataDir)),
      web: createWebPort({ runJob: jobs.inThread, version, now }),
    },
    skills,
    tools: () => tools,
    apply(next) {
      current = next;
      void skills.read();
    },
    stop: () => Promise.resolve(),
  };
}
