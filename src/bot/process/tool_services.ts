/**
 * Creates the tools of the process: those of this version, and those of the config's servers.
 *
 * The code that tools need on this machine is loaded with the first call that needs it: the network
 * clients of web pages, programs and archives take 10 ms of a start, and most turns call no tool. A
 * call whose code cannot be loaded returns an error to the model, and the log has its cause.
 */

import type { Bot } from "../../account/account.ts";
import { agentOf, type BotConfig } from "../../config/config.ts";
import { revealed } from "../../config/schema/parts/secrets.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { McpServerState } from "../../core/mcp_state.ts";
import type { RunTool } from "../../core/skills/skill.ts";
import type { Tool } from "../../core/turn/tool.ts";
import type { HostCommands } from "../../exec/host_commands.ts";
import { createRunningCommands, type RunningCommands } from "../../exec/running_commands.ts";
import type { SkillRunParts } from "../../flows/tools/skill_tools.ts";
import { createLoader } from "../../lib/cache.ts";
import { schedule } from "../../lib/clock.ts";
import { EXEC_LIMITS } from "../../lib/program_limits.ts";
import type { ScriptEnd } from "../../core/skills/skill.ts";
import type { CodeJob } from "../../sandbox/evaluate.ts";
import { TOOLS } from "../../tools/registry.ts";
import type { SearchEngine, WebAccess } from "../../web/pages.ts";
import {
  assertApart,
  createWorkspaceFiles,
  type OwnPaths,
  type WorkspaceFiles,
} from "../../workspace/files.ts";
import {
  configuredFolders,
  createSkillLibrary,
  skillFolders,
  type SkillLibrary,
  withTools,
} from "../../workspace/skills.ts";
import { workspaceOf } from "../../workspace/workspace.ts";

/** What an agent's tools use, whatever the account is: it has a folder of its own. */
export interface AgentServices {
  readonly web: WebAccess;
  readonly workspace: WorkspaceFiles;
  readonly commands: HostCommands;
  readonly skills: SkillLibrary;
}

export type ToolServices = Awaited<ReturnType<typeof createToolServices>>;

/** The headers of hosts that tools of skills may ask, by origin. */
export const skillHosts = (
  { skills: { hosts } }: { readonly skills: BotConfig["skills"] },
): ReadonlyMap<string, Readonly<Record<string, string>>> =>
  new Map(Object.entries(hosts).map(([origin, { headers }]) => [origin, revealed(headers)]));

/**
 * Creates the tools. Only the servers of the config are started before a call.
 *
 * @throws {unknown} If the config has MCP servers whose code cannot be loaded; as a rejection.
 */
export async function createToolServices(bot: Bot) {
  const { dataDir, build: { version }, now } = bot;
  const log = bot.logging.forPart("tools");
  let current = bot.setup.config;
  const jobs = createLoader(async () => {
    const { createJobs } = await import("../../sandbox/jobs.ts");
    const { JOB_WORKER_URL, ownCommand, runtimeEnv } = await import(
      "../../host/process/own_process.ts"
    );
    return createJobs(JOB_WORKER_URL, { ...ownCommand(), env: runtimeEnv() });
  });
  const runTool: RunTool = async (...job) => (await jobs.get()).sandboxed(...job);
  const ownPaths = (): OwnPaths => ({
    dataDir,
    configFile: current.file,
    skillFolders: configuredFolders(current),
    workspaces: current.agentList.map((agent) => workspaceOf(current, agent, dataDir)),
  });
  const web = laterPages(async () => {
    const { createWebPages } = await import("../../web/pages.ts");
    return createWebPages({
      runJob: async (...job) => (await jobs.get()).inThread(...job),
      version,
      now,
      engine: () => engineOf(current.search),
    });
  });
  /** Commands of all agents take the same places. */
  const running = createRunningCommands();
  const agents = new Map<string, KnownAgent>();

  function createAgent(agentId: string): KnownAgent {
    let agent = agentOf(current, agentId);
    // A turn of an agent that a reload removes keeps its folder to the end.
    const agentNow = () => agent = current.agentList.find(({ id }) => id === agent.id) ?? agent;
    const workspace = () => workspaceOf(current, agentNow(), dataDir);
    const skills = createSkillLibrary(
      () => skillFolders(current, agentNow(), dataDir),
      { now },
      log,
      (found) => withTools(found, runTool),
    );
    const commands = laterCommands(running, async () => {
      const { createHostCommands } = await import("../../exec/host_commands.ts");
      const { PROGRAM_BOUNDS } = await import("../../host/limits/program_bounds.ts");
      return createHostCommands({
        workspace,
        assertApart: (folder) => assertApart(folder, ownPaths()),
        maySkipSandbox: () => current.exec?.sandbox === "off",
        limits: () => current.exec?.limits ?? EXEC_LIMITS,
        bounds: PROGRAM_BOUNDS,
        running,
      });
    });
    const known: KnownAgent = {
      services: { web, workspace: createWorkspaceFiles(workspace, ownPaths), commands, skills },
      reading: skills.read().then(() => void (known.reading = undefined)),
    };
    return known;
  }

  function agentFor(agentId: string): KnownAgent {
    const { id } = agentOf(current, agentId);
    const known = agents.get(id) ?? createAgent(id);
    agents.set(id, known);
    return known;
  }

  agentFor(current.agentList[0].id); // most turns are its own, and none should wait for its skills
  const servers = createLoader(async () => {
    const [{ createMcpServers }, { mcpHostPorts, serversOf }] = await Promise.all([
      import("../../mcp/servers.ts"),
      import("../mcp/ports.ts"),
    ]);
    const begun = createMcpServers(serversOf(current, "operator"), {
      version,
      now,
      schedule,
      log,
      onSignIn(server) {
        const [account] = bot.accounts.values(); // any account reaches the owners
        account?.tellOwners(
          `I can't use all of the MCP server \`${server}\`: it wants a sign-in. Give me \`/mcp ` +
            `login\`, or run \`barnacle mcp login ${server}\` on my machine.`,
        );
        return account !== undefined;
      },
      ...mcpHostPorts(() => current, dataDir, log),
    });
    return { ...begun, apply: (next: BotConfig) => begun.apply(serversOf(next, "operator")) };
  });
  const serversFor = async (by: BotConfig) => hasServers(by) ? await servers.get() : undefined;
  let mcp = await serversFor(current);
  let own = toolsOf(current);
  const all = joined(() => own, () => mcp?.tools() ?? NO_TOOLS);
  return {
    /** The services of an agent: the same object at each call. */
    of: (agentId: string): AgentServices => agentFor(agentId).services,
    /** Runs a script in a process of its own. */
    runCode: async (job: CodeJob, signal: AbortSignal, by?: UserId): Promise<ScriptEnd> =>
      (await jobs.get()).sandboxed(job, signal, by),
    /** Runs a tool of a skill in a process of its own. */
    runTool,
    /** Asks an address for a tool of a skill. */
    async fetchForTool(...request: Parameters<SkillRunParts["fetch"]>) {
      const { fetchDeclared } = await import("../../web/declared_fetch.ts");
      return await fetchDeclared(...request, { version, hosts: skillHosts(current) });
    },
    /** The states of the MCP servers, in the order of the config. */
    servers: (): readonly McpServerState[] => mcp?.states() ?? [],
    /** All tools that the config makes available: the same array until they change. */
    tools: all,
    /** Whether a command runs in a workspace. */
    isRunning: (): boolean => running.programs.size > 0,
    /** Resolves once the skills of an agent were read for the first time. */
    skillsRead: async (agentId: string): Promise<void> => await agentFor(agentId).reading,
    /**
     * Connects to servers that have not listed their tools, for a turn that may have them. Waits a
     * moment for those that no turn has needed yet, and never rejects.
     *
     * @param agentId The agent of the turn, whose skills it waits for.
     * @param isAllowed Whether the turn's sender has a tool, by its name.
     * @returns `undefined` if there is nothing to wait for.
     */
    ready(agentId: string, isAllowed: (tool: string) => boolean): Promise<void> | undefined {
      const isWanted = (id: string) => isAllowed(`mcp__${id}__any`);
      const { reading: first, services: { skills } } = agentFor(agentId);
      // A changed tool counts from the next message on.
      const reading = first ?? (skills.now().skills.some(({ tools }) => tools) && skills.read());
      return reading ? reading.then(() => mcp?.list(isWanted)) : mcp?.list(isWanted);
    },
    /**
     * Takes another config, for turns that begin later (C9).
     *
     * @throws {unknown} If the code of its MCP servers cannot be loaded; as a rejection. Then it keeps
     * the config that it has.
     */
    async apply(next: BotConfig): Promise<void> {
      const nextServers = await serversFor(next) ?? mcp;
      current = next;
      for (const { services } of agents.values()) void services.skills.read();
      own = toolsOf(next);
      mcp = nextServers;
      mcp?.apply(next);
    },
    /** Ends everything that tools have started. */
    async stop(): Promise<void> {
      const commands = Array.from(agents.values(), ({ services }) => services.commands.stop());
      await Promise.all([mcp?.close(), ...commands]);
    },
  };
}

interface KnownAgent {
  readonly services: AgentServices;
  /** The first reading of its skills; `undefined` after that. */
  reading: Promise<void> | undefined;
}

const NO_TOOLS: readonly Tool[] = [];

function hasServers({ mcp }: BotConfig): boolean {
  return Object.values(mcp.servers).some(({ login }) => login === "operator");
}

/** Commands on the host. */
function laterCommands(
  { takePlace }: RunningCommands,
  load: () => Promise<HostCommands>,
): HostCommands {
  let loaded: HostCommands | undefined;
  const commands = createLoader(async () => loaded = await load());
  return {
    takePlace,
    resolve: async (request) => await (await commands.get()).resolve(request),
    run: async (command, ...limits) => await (await commands.get()).run(command, ...limits),
    stop: async () => await loaded?.stop(),
  };
}

function laterPages(load: () => Promise<WebAccess>): WebAccess {
  const pages = createLoader(load);
  return {
    search: async (query, ...limits) => await (await pages.get()).search(query, ...limits),
    page: async (url, signal) => await (await pages.get()).page(url, signal),
    file: async (url, ...limits) => await (await pages.get()).file(url, ...limits),
  };
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

function toolsOf(config: BotConfig): readonly Tool[] {
  return TOOLS.filter(({ isEnabled }) => isEnabled?.(config) ?? true);
}

function engineOf(search: BotConfig["search"]): SearchEngine | undefined {
  if (!search) return undefined;
  const { apiKey, ...rest } = search;
  return { ...rest, apiKey: apiKey?.reveal() };
}
