/**
 * Finds and reads skills in the operator's folders (T7): at the start, after a config change, and while
 * turns use them. Nothing of a skill is ever run.
 */

import { hash } from "node:crypto";
import { readdir, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import {
  checkFrontMatter,
  NO_SKILLS,
  readTool,
  type RunTool,
  type Skill,
  type SkillProblem,
  type SkillSet,
  type SkillTool,
  splitSkill,
} from "../core/skills/skill.ts";
import type { Clock } from "../lib/clock.ts";
import { withHome } from "../lib/env.ts";
import { codeOf, wordsOfCode } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { createWorkspace, LIMITS } from "./files.ts";
import { type AgentFolder, workspaceOf } from "./workspace.ts";

const MAX_SKILLS = 100;
const MAX_FILES = 200;
/** Maximum bytes of a file of a skill that a model reads. */
const FILE_BYTES = 64 * 1024;

const SKILL_FILE = "SKILL.md";

/**
 * Reads all skills of some folders. A later skill of the same name is left out.
 *
 * @param folders Folders that contain skills. A missing one is a problem if it is required.
 */
export async function findSkills(
  folders: readonly { readonly path: string; readonly isRequired: boolean }[],
): Promise<SkillSet> {
  const skills = new Map<string, Skill>();
  const problems: SkillProblem[] = [];
  for (const { path, isRequired } of folders) {
    for (const folder of await foldersIn(path, isRequired, problems)) {
      const file = join(folder, SKILL_FILE);
      try {
        const skill = await readSkill(folder);
        const known = skills.get(skill.name);
        if (known) throw new Error(`another skill has this name: ${known.folder}`);
        if (skills.size >= MAX_SKILLS) throw new Error(`there are more than ${MAX_SKILLS} skills`);
        skills.set(skill.name, skill);
      } catch (error) {
        problems.push({ file, reason: error instanceof Error ? error.message : String(error) });
      }
    }
  }
  const byName = [...skills.values()].toSorted((a, b) => a.name < b.name ? -1 : 1);
  return { skills: byName, problems };
}

/** Reads a file of a skill, within its folder and within bounds. */
export async function readSkillFile({ folder }: Skill, file: string): Promise<string> {
  return await filesOf(folder).read(file);
}

/** Folders that may be skills, in order: those that have a `SKILL.md`, or should. */
async function foldersIn(
  path: string,
  isRequired: boolean,
  problems: SkillProblem[],
): Promise<readonly string[]> {
  try {
    const root = await realpath(path);
    const found = await readdir(root, { withFileTypes: true });
    return found.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map(({ name }) => join(root, name)).toSorted();
  } catch (error) {
    if (isRequired || codeOf(error) !== "ENOENT") {
      const reason = codeOf(error) === "ENOENT"
        ? "there is no such folder"
        : wordsOfCode(error) ?? String(error);
      problems.push({ file: path, reason });
    }
    return [];
  }
}

async function readSkill(folder: string): Promise<Skill> {
  const files = filesOf(folder);
  const text = await files.read(SKILL_FILE);
  const parts = splitSkill(text);
  if (!parts) throw new Error('it has no front matter between two lines "---"');
  const { parse } = await import("yaml");
  let value: unknown;
  try {
    value = parse(parts.frontMatter, { maxAliasCount: 0 });
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new Error(`its front matter is no YAML: ${why}`);
  }
  const checked = checkFrontMatter(value, basename(folder));
  if ("reason" in checked) throw new Error(checked.reason);
  const { entries, isCut } = await files.list("", true);
  if (isCut) throw new Error(`it has more than ${MAX_FILES} files`);
  const resources = entries.flatMap(({ kind, path }) =>
    kind === "file" && path !== SKILL_FILE ? [path] : []
  );
  const sums = await Promise.all(resources.map((path) => sumOf(files, path)));
  return {
    ...checked,
    folder,
    body: parts.body,
    resources,
    hash: hash("sha256", JSON.stringify([text, sums])),
  };
}

/** A file's part of the hash: its text, or only its name if it is no text that a model could read. */
async function sumOf(files: ReturnType<typeof filesOf>, path: string): Promise<readonly string[]> {
  return [path, await files.read(path).then((text) => hash("sha256", text), () => "unread")];
}

function filesOf(folder: string) {
  return createWorkspace(() => folder, () => "", {
    ...LIMITS,
    fileBytes: FILE_BYTES,
    listed: MAX_FILES,
  });
}

const HEAD_MS = 2_000;

const MAX_TOOLS = 10;

/** Adds their tools to skills, and the files that cannot be used to the problems. Never rejects. */
export async function withTools(
  { skills, problems }: SkillSet,
  runTool: RunTool,
): Promise<SkillSet> {
  const wrong: SkillProblem[] = [];

  async function toolsOf(skill: Skill): Promise<Skill> {
    const paths = skill.resources.filter((one) => /^tools\/[^/]+\.js$/.test(one));
    const own: SkillTool[] = [];
    for (const path of paths) {
      try {
        if (own.length === MAX_TOOLS) throw new Error(`a skill may have ${MAX_TOOLS} tools`);
        const source = await readSkillFile(skill, path);
        const job = {
          kind: "tool",
          source,
          file: `${skill.name}/${path}`,
          timeoutMs: HEAD_MS,
        } as const;
        const { value = "", failure } = await runTool(job, new AbortController().signal);
        if (failure !== undefined) throw new Error(failure);
        own.push(readTool(skill.name, path, source, value));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        wrong.push({ file: `${skill.folder}/${path}`, reason });
      }
    }
    return own.length === 0 ? skill : { ...skill, tools: own };
  }

  const complete: Skill[] = [];
  for (const skill of skills) complete.push(await toolsOf(skill));
  return { skills: complete, problems: [...problems, ...wrong] };
}

/** The parts of the config that name folders of agents. A relative path counts from its file. */
interface AgentFolders {
  /** Path of the config file; absent without one. */
  readonly file?: string;
  /** `skills.folders`: folders with skills. */
  readonly skills: { readonly folders: readonly string[] };
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
) {
  let current = NO_SKILLS;
  let files = JSON.stringify(NO_SKILLS);
  let readAt = 0;
  let reported = "";

  /** Reads the skills again. Never rejects. */
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
    /** The skills as last read. A call after a minute reads them again, for later turns. */
    now(): SkillSet {
      if (now() - readAt >= FRESH_MS) void read();
      return current;
    },
    read,
  };
}

export type SkillLibrary = ReturnType<typeof createSkillLibrary>;
