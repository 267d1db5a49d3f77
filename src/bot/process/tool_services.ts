/**
 * Creates the tools of the process: those of this version, and those of the config's servers.
 *
 * @module
 */

import process from "node:process";
import type { BotConfig } from "../../config/config.ts";
import type { Tool } from "../../core/turn/tool.ts";
import { ownCommand } from "../../host/process/own_process.ts";
import { createJobs } from "../../sandbox/jobs.ts";
import { TOOLS } from "../../tools/registry.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import { webSearch } from "../../tools/web/web_search.ts";
import type { SearchEngine } from "../../web/search.ts";
import { createCodePort } from "../turn/code_port.ts";
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
  { config, jobWorkerUrl, version, now }: ToolServicesOptions,
): ToolServices {
  const jobs = createJobs(jobWorkerUrl, { ...ownCommand(), env: runtimeEnv() });
  let { search } = config;
  let tools = toolsOf(config);
  return {
    ports: {
      code: createCodePort({
        runCode: jobs.code,
        readFile: () => Promise.resolve(undefined), // attachments are not stored yet
      }),
      web: createWebPort({ runJob: jobs.inThread, version, now, engine: () => engineOf(search) }),
    },
    tools: () => tools,
    apply(next) {
      ({ search } = next);
      tools = toolsOf(next);
    },
    stop: () => Promise.resolve(),
  };
}

/** The source on Deno needs its cache of modules; a binary needs nothing. */
function runtimeEnv(): Readonly<Record<string, string>> {
  if (!process.versions.deno) return {};
  const { HOME, DENO_DIR } = process.env;
  return { ...(HOME !== undefined && { HOME }), ...(DENO_DIR !== undefined && { DENO_DIR }) };
}

/** The tools for which the config has everything. */
function toolsOf({ search }: BotConfig): readonly Tool[] {
  return TOOLS.filter((tool) => tool !== webSearch || search !== undefined);
}

function engineOf(search: BotConfig["search"]): SearchEngine | undefined {
  if (!search) return undefined;
  const { apiKey, ...rest } = search;
  return { ...rest, ...(apiKey && { apiKey: apiKey.reveal() }) };
}
