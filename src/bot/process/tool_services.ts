/** Creates the tools of the process: those of this version, and those of the config's servers. */

import process from "node:process";
import { type BotConfig, missingSection } from "../../config/config.ts";
import type { Log } from "../../lib/log.ts";
import { type Clock, schedule } from "../../lib/clock.ts";
import { createMcpServers } from "../../mcp/servers.ts";
import type { Tool } from "../../core/turn/tool.ts";
import { createHostCommands } from "../../exec/jobs.ts";
import { ownCommand } from "../../host/process/own_process.ts";
import { createJobs } from "../../sandbox/jobs.ts";
import { TOOLS } from "../../tools/registry.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import type { SearchEngine } from "../../web/search.ts";
import { mcpFiles, serversOf } from "../mcp/ports.ts";
import { createWebPages } from "../../web/pages.ts";
import {
  configuredFolders,
  createSkillLibrary,
  skillFolders,
} from "../../workspace/skill_library.ts";
import { workspaceOf } from "../../workspace/skill_library.ts";
import { assertApart, createWorkspacePort, type OwnPaths } from "../../workspace/guarded.ts";

/** The dependencies of the tools. */
export interface ToolServicesOptions extends Clock {
  readonly config: BotConfig;
  readonly dataDir: string;
  /** Entry of the thread for untrusted data. */
  readonly jobWorkerUrl: URL;
  readonly version: string;
  /** Gets skills that cannot be used, and failures of servers. */
  readonly log: Log;
  /** An MCP server wants a sign-in, which only the operator can do. */
  readonly onSignIn: (serverId: string) => void;
}

/** Milliseconds that a turn waits for servers to list their tools. */
const READY_MS = 10_000;

/** Creates the tools. Nothing is loaded or started before a tool is called. */
export function createToolServices(
  { config, dataDir, jobWorkerUrl, version, now, log, onSignIn }: ToolServicesOptions,
): ToolServices {
  let current = config;
  const skills = createSkillLibrary(() => skillFolders(current, dataDir), { now }, log);
  let areSkillsRead = false;
  const skillsRead = skills.read().then(() => void (areSkillsRead = true));
  const jobs = createJobs(jobWorkerUrl, { ...ownCommand(), env: runtimeEnv() });
  const ownPaths = (): OwnPaths => ({
    dataDir,
    configFile: current.file,
    skillFolders: configuredFolders(current),
  });
  const commands = createHostCommands({
    workspace: () => workspaceOf(current, dataDir),
    assertApart: (workspace) => assertApart(workspace, ownPaths()),
    maySkipSandbox: () => current.exec?.sandbox === "off",
  });
  const mcp = createMcpServers(serversOf(config), {
    version,
    now,
    schedule,
    log,
    onSignIn,
    ...mcpFiles(() => current, dataDir, "run", log),
  });
  let own = toolsOf(config);
  const all = joined(() => own, mcp.tools);
  return {
    ports: {
      web: createWebPages({
        runJob: jobs.inThread,
        version,
        now,
        engine: () => engineOf(current.search),
      }),
      workspace: createWorkspacePort(() => workspaceOf(current, dataDir), ownPaths),
    },
    runCode: jobs.code,
    commands,
    skills,
    tools: all,
    ready(isAllowed) {
      const isWanted = (id: string) => isAllowed(`mcp__${id}__any`);
      if (!areSkillsRead) return skillsRead.then(() => within(READY_MS, mcp.list(isWanted)));
      const listing = mcp.list(isWanted);
      return listing && within(READY_MS, listing);
    },
    apply(next) {
      current = next;
      void skills.read();
      own = toolsOf(next);
      mcp.apply(serversOf(next));
    },
    async stop() {
      await Promise.all([mcp.close(), commands.stop()]);
    },
  };
}

/** Waits for a promise, but not longer than some milliseconds. */
async function within(ms: number, promise: Promise<void> | undefined): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const cancel = schedule(resolve, ms);
  await Promise.race([promise, late]);
  cancel();
}

/** Joins two lists: the same array until one of them changes. */
function joined(first: () => readonly Tool[], second: () => readonly Tool[]) {
  let one: readonly Tool[] | undefined;
  let other: readonly Tool[] | undefined;
  let all: readonly Tool[] = [];
  return () => {
    const [newOne, newOther] = [first(), second()];
    if (newOne === one && newOther === other) return all;
    one = newOne;
    other = newOther;
    return all = [...newOne, ...newOther];
  };
}

/** The source on Deno needs its cache of modules; a binary needs nothing. */
function runtimeEnv(): Readonly<Record<string, string>> {
  if (!process.versions.deno) return {};
  const { HOME, DENO_DIR } = process.env;
  return { ...(HOME !== undefined && { HOME }), ...(DENO_DIR !== undefined && { DENO_DIR }) };
}

/** The tools for which the config has everything. */
function toolsOf(config: BotConfig): readonly Tool[] {
  return TOOLS.filter(({ name }) => missingSection(name, config) === undefined);
}

function engineOf(search: BotConfig["search"]): SearchEngine | undefined {
  if (!search) return undefined;
  const { apiKey, ...rest } = search;
  return { ...rest, apiKey: apiKey?.reveal() };
}
