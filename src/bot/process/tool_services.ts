/**
 * Creates the tools of the process: those of this version, and those of the config's servers.
 *
 * @module
 */

import type { BotConfig } from "../../config/config.ts";
import type { Tool } from "../../core/turn/tool.ts";
import { createJobs } from "../../sandbox/jobs.ts";
import { TOOLS } from "../../tools/registry.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import { createWebPort } from "../turn/web_port.ts";

/** The dependencies of the tools. */
export interface ToolServicesOptions {
  readonly config: BotConfig;
  /** Entry of the thread for untrusted data. */
  readonly jobWorkerUrl: URL;
  /** Barnacle's version. */
  readonly version: string;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** Creates the tools. Nothing is loaded or started before a tool is called. */
export function createToolServices(
  { jobWorkerUrl, version, now }: ToolServicesOptions,
): ToolServices {
  const jobs = createJobs(jobWorkerUrl);
  const tools: readonly Tool[] = TOOLS;
  return {
    ports: {
      web: createWebPort({ runJob: jobs.inThread, version, now }),
    },
    tools: () => tools,
    apply() {},
    stop: () => Promise.resolve(),
  };
}
