/** Makes the tool of a skill's file (T7a). */

import { inputOf, type SkillTool } from "../core/skills/skill.ts";
import { defineTool, type Tool } from "../core/turn/tool.ts";

export function toolOf(tool: SkillTool): Tool {
  const { name, head: { description, input, tools, readOnly } } = tool;
  return defineTool({
    name,
    description,
    parameters: input,
    input: () => inputOf(tool),
    needs: [],
    seenAt: "nowhere", // an owner has confirmed its file and its hosts
    isIdempotent: readOnly,
    isReadOnly: readOnly || undefined,
    isPersonalCall: () => tools.length > 0, // they may show things of the asker alone
    asks: async (_, context) =>
      (await import("../flows/tools/skill_tools.ts")).skillQuestion(tool, context),
    run: async (given, context) =>
      (await import("../flows/tools/skill_tools.ts")).runSkill(tool, given, context),
  });
}
