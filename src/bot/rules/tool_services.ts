/**
 * Declares the tools of the whole process, and the parts of their ports that all accounts share.
 */

import type { BotConfig } from "../../config/config.ts";
import { revealed } from "../../config/schema/parts/secrets.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { RunTool, SkillLibrary } from "../../core/skills/skill.ts";
import type { WebAccess, WorkspaceFiles } from "../../core/turn/host.ts";
import type { McpServerState } from "../../core/mcp_state.ts";
import type { Tool } from "../../core/turn/tool.ts";
import type { HostCommands } from "../../core/exec/command.ts";
import type { SkillRunParts } from "../../flows/tools/skill_tools.ts";
import type { createServerLogins } from "../mcp/logins.ts";
import type { CodeEnd, CodeJob } from "../../sandbox/evaluate.ts";

/** What an agent's tools use, whatever the account is: it has a folder of its own. */
export interface AgentServices {
  readonly web: WebAccess;
  readonly workspace: WorkspaceFiles;
  readonly commands: HostCommands;
  readonly skills: SkillLibrary;
}

export interface ToolServices {
  /** The services of an agent: the same object at each call. */
  of(agentId: string): AgentServices;
  /** Runs a script in a process of its own. */
  readonly runCode: (job: CodeJob, signal: AbortSignal, by?: UserId) => Promise<CodeEnd>;
  /** Runs a tool of a skill in a process of its own. */
  readonly runTool: RunTool;
  /** Asks an address for a tool of a skill. */
  readonly fetchForTool: SkillRunParts["fetch"];
  /** The states of the MCP servers, in the order of the config. */
  readonly servers: () => readonly McpServerState[];
  /** The logins to those servers, for owners. */
  logins(): Promise<ReturnType<typeof createServerLogins>>;
  /** All tools that the config makes available: the same array until they change. */
  tools(): readonly Tool[];
  /** Resolves once the skills of an agent were read for the first time. */
  skillsRead(agentId: string): Promise<void>;
  /**
   * Connects to servers that have not listed their tools, for a turn that may have them. Waits a
   * moment for those that no turn has needed yet, and never rejects.
   *
   * @param agentId The agent of the turn, whose skills it waits for.
   * @param isAllowed Whether the turn's sender has a tool, by its name.
   * @returns `undefined` if there is nothing to wait for.
   */
  ready(agentId: string, isAllowed: (tool: string) => boolean): Promise<void> | undefined;
  /**
   * Takes another config, for turns that begin later (C9).
   *
   * @throws {unknown} If the code of its MCP servers cannot be loaded; as a rejection. Then it keeps
   * the config that it has.
   */
  apply(config: BotConfig): Promise<void>;
  /** Whether a command runs in a workspace. */
  isRunning(): boolean;
  /** Ends everything that tools have started. */
  stop(): Promise<void>;
}

/** The headers of hosts that tools of skills may ask, by origin. */
export const skillHosts = (
  { skills: { hosts } }: { readonly skills: BotConfig["skills"] },
): ReadonlyMap<string, Readonly<Record<string, string>>> =>
  new Map(Object.entries(hosts).map(([origin, { headers }]) => [origin, revealed(headers)]));
