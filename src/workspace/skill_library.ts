/**
 * Finds the agent's folders, and keeps its skills: read at the start, after a config change, and again
 * while turns use them (T7).
 */

import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { NO_SKILLS, type Skill, type SkillLibrary, type SkillSet } from "../core/skills/skill.ts";
import type { Clock } from "../lib/clock.ts";
import { withHome } from "../lib/env.ts";
import type { Log } from "../lib/log.ts";
import { findSkills } from "./skills.ts";

/** The parts of the config that name folders of agents. A relative path counts from its file. */
interface AgentFolders {
  /** Path of the config file; absent without one. */
  readonly file?: string;
  /** `skills.folders`: folders with skills. */
  readonly skills: { readonly folders: readonly string[] };
}

interface AgentFolder {
  readonly id: string;
  /** Absent: one in the data directory (S6). */
  readonly workspace?: string;
}

export function workspaceOf(
  { file }: Pick<AgentFolders, "file">,
  { id, workspace }: AgentFolder,
  dataDir: string,
): string {
  if (workspace === undefined) return join(dataDir, "agents", id);
  return resolve(file === undefined ? "." : dirname(file), withHome(workspace, homedir()));
}

/** Milliseconds for which skills that were read count as current. */
const FRESH_MS = 60_000;

export function configuredFolders({ file, skills }: AgentFolders): readonly string[] {
  const base = file === undefined ? "." : dirname(file);
  return skills.folders.map((path) => resolve(base, withHome(path, homedir())));
}

/** The folders with skills: those of the config, and `skills` of the workspace. */
export function skillFolders(
  config: AgentFolders,
  agent: AgentFolder,
  dataDir: string,
): readonly { readonly path: string; readonly isRequired: boolean }[] {
  const own = configuredFolders(config).map((path) => ({ path, isRequired: true }));
  return [...own, { path: join(workspaceOf(config, agent, dataDir), "skills"), isRequired: false }];
}

/**
 * Finds the skills of all agents, each folder once. If several agents have one of a name, those of
 * later agents have the agent's id before it.
 */
export async function findSkillsOfAll(
  config: AgentFolders & { readonly agentList: readonly AgentFolder[] },
  dataDir: string,
): Promise<SkillSet> {
  const skills = new Map<string, Skill>();
  const problems = new Map<string, SkillSet["problems"][number]>();
  for (const agent of config.agentList) {
    const found = await findSkills(skillFolders(config, agent, dataDir));
    for (const skill of found.skills) {
      const before = skills.get(skill.name);
      if (before?.folder === skill.folder) continue;
      const name = before ? `${agent.id}/${skill.name}` : skill.name;
      skills.set(name, { ...skill, name });
    }
    for (const problem of found.problems) {
      problems.set(`${problem.file} ${problem.reason}`, problem);
    }
  }
  return { skills: [...skills.values()], problems: [...problems.values()] };
}

/**
 * Creates the library; it is empty before `read`.
 *
 * @param withTools Adds their tools to skills that have changed.
 */
export function createSkillLibrary(
  folders: () => ReturnType<typeof skillFolders>,
  { now }: Clock,
  log: Log,
  withTools: (found: SkillSet) => Promise<SkillSet> = (found) => Promise.resolve(found),
): SkillLibrary {
  let current = NO_SKILLS;
  let files = JSON.stringify(NO_SKILLS);
  let readAt = 0;
  let reported = "";

  async function read(): Promise<void> {
    readAt = now();
    try {
      const found = await findSkills(folders());
      // The same object as long as nothing changes: the system prompt must not change either.
      const now = JSON.stringify(found);
      if (now !== files) current = await withTools(found);
      files = now;
      const problems = JSON.stringify(current.problems);
      if (problems !== reported) {
        for (const problem of current.problems) log.warn("A skill cannot be used", { ...problem });
      }
      reported = problems;
    } catch (error) {
      log.warn("Cannot read the skills", { error });
    }
  }

  return {
    now() {
      if (now() - readAt >= FRESH_MS) void read();
      return current;
    },
    read,
  };
}
