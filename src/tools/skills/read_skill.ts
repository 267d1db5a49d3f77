/**
 * The tool `read_skill`: instructions of a skill, once a turn needs them (T7).
 *
 * @module
 */

import { z } from "zod";
import { defineTool, type Tool } from "../../core/turn/tool.ts";

/** Reads a skill, or one of its files. */
export const readSkill: Tool = defineTool({
  name: "read_skill",
  description: "Reads the instructions of one of your skills, or one of its files.",
  input: z.strictObject({
    name: z.string().max(64).describe("Name of the skill."),
    file: z.string().min(1).max(1_000).optional().describe(
      "A file of the skill, such as references/forms.md. Without it, its instructions.",
    ),
  }),
  needs: [],
  isIdempotent: true,
  run: ({ name, file }, { message, ports: { skills } }) => skills.read(message, name, file),
});
