/** Reads the tools of skills, whose headers the sandbox gives (T7a). */

import type { Skill, SkillProblem, SkillSet } from "../core/skills/skill.ts";
import { readTool, type RunTool, type SkillTool } from "../core/skills/skill_tool.ts";
import { readSkillFile } from "./skills.ts";

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
