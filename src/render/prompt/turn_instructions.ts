/**
 * Composes the instructions of turns: the same object for equal parts, so that its prompt is
 * composed once.
 *
 * @module
 */

import type { Tool } from "../../core/turn/tool.ts";
import type { Instructions } from "./system_prompt.ts";

/** The parts of instructions that can differ between two turns of one config. */
export interface TurnParts {
  /** The tools of the turn: the same array for the same tools. */
  readonly tools: readonly Tool[];
  /** The same array for the same files. */
  readonly files: NonNullable<Instructions["files"]>;
  /** Returns the skills of the turn, if it can read any: usually the same array for the same skills. */
  readonly skills: () => Instructions["skills"];
  /** As in {@link Instructions}. */
  readonly ownerId: Instructions["ownerId"];
  /** As in {@link Instructions}. */
  readonly channelPrompt: Instructions["channelPrompt"];
}

const NO_SKILLS: NonNullable<Instructions["skills"]> = [];

/**
 * Prepares the instructions of many turns.
 *
 * @param agent The instructions that are the same for every message.
 */
export function prepareInstructions(agent: Instructions): (parts: TurnParts) => Instructions {
  let toolsFacts: ReturnType<typeof toolFactsOf> | undefined;
  let last: { readonly parts: readonly unknown[]; readonly instructions: Instructions } | undefined;
  return ({ tools, files, skills: skillsNow, ownerId, channelPrompt }) => {
    if (toolsFacts?.tools !== tools) toolsFacts = toolFactsOf(tools);
    const { readsSkills, facts } = toolsFacts;
    const skills = readsSkills ? skillsNow() ?? NO_SKILLS : undefined;
    const parts = [tools, files, skills, ownerId, channelPrompt];
    if (!last?.parts.every((part, at) => part === parts[at])) {
      const instructions = {
        ...agent,
        ...(files.length > 0 && { files }),
        ...facts,
        ...(skills && { skills }),
        ...(ownerId !== undefined && { ownerId }),
        ...(channelPrompt !== undefined && { channelPrompt }),
      };
      last = { parts, instructions };
    }
    return last.instructions;
  };
}

function toolFactsOf(tools: readonly Tool[]) {
  const facts = { hasTools: tools.length > 0, ...(hasNoSearch(tools) && { hasNoSearch: true }) };
  return { tools, facts, readsSkills: tools.some(({ name }) => name === "read_skill") };
}

/** Whether tools read the web, but do not search it. A server's own tools may search. */
function hasNoSearch(tools: readonly Tool[]): boolean {
  const names = tools.map(({ name }) => name);
  return names.includes("web_fetch") && !names.includes("web_search") &&
    !names.some((name) => name.startsWith("mcp__"));
}
