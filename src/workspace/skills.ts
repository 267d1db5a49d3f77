/** Finds and reads skills in the operator's folders (T7). Nothing of a skill is ever run. */

import { hash } from "node:crypto";
import { readdir, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  checkFrontMatter,
  readTool,
  type RunTool,
  type Skill,
  type SkillProblem,
  type SkillSet,
  type SkillTool,
  splitSkill,
} from "../core/skills/skill.ts";
import { codeOf, wordsOfCode } from "../lib/errors.ts";
import { createWorkspace, LIMITS } from "./files.ts";

/** Maximum number of skills, and of files of each. */
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

/** Milliseconds for a header. */
const HEAD_MS = 2_000;

/** Maximum number of tools of one skill. */
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
