/**
 * Skills in the format of agentskills.io: a folder with a `SKILL.md`, whose front matter states its
 * purpose (T7).
 */

import { z } from "zod";
import type { SkillTool } from "./skill_tool.ts";

export interface Skill {
  readonly name: string;
  /** Its purpose and its occasions, on one line. */
  readonly description: string;
  readonly folder: string;
  /** SHA-256 of all its files, in hex. */
  readonly hash: string;
  /** Text of `SKILL.md` behind the front matter. */
  readonly body: string;
  /** Paths of its other files, relative to the folder. */
  readonly resources: readonly string[];
  /** Its tools (T7a); absent: they were not read. */
  readonly tools?: readonly SkillTool[];
}

export interface SkillProblem {
  readonly file: string;
  /** Why it cannot be used. */
  readonly reason: string;
}

export interface SkillSet {
  /** In the order of their names. */
  readonly skills: readonly Skill[];
  /** Skills that cannot be used. */
  readonly problems: readonly SkillProblem[];
}

export interface SkillLibrary {
  /** The skills as last read. A call after a minute reads them again, for later turns. */
  now(): SkillSet;
  /** Reads the skills again. Never rejects. */
  read(): Promise<void>;
}

export const NO_SKILLS: SkillSet = { skills: [], problems: [] };

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim();

const frontMatterSchema = z.lazy(() =>
  z.looseObject({
    name: z.string({ error: "`name` is missing" }).max(64, "`name` has more than 64 characters")
      .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, "`name` may have only a-z, 0-9 and single hyphens"),
    description: z.string({ error: "`description` is missing" }).transform(oneLine)
      .refine((text) => text !== "", "`description` is empty")
      .refine((text) => text.length <= 1_024, "`description` has more than 1,024 characters"),
    license: z.string({ error: "`license` is no text" }).optional(),
    compatibility: z.string({ error: "`compatibility` is no text" })
      .max(500, "`compatibility` has more than 500 characters").optional(),
    metadata: z.record(z.string(), z.unknown(), { error: "`metadata` is no list of keys" })
      .optional(),
    "allowed-tools": z.string({ error: "`allowed-tools` is no text" }).optional(),
  })
);

/** The parts of a `SKILL.md`; `undefined` if it has no front matter. */
export function splitSkill(
  text: string,
): { readonly frontMatter: string; readonly body: string } | undefined {
  const found = /^\u{feff}?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)/su.exec(text);
  if (!found) return undefined;
  return { frontMatter: found[1] ?? "", body: text.slice(found[0].length).trim() };
}

/**
 * Checks a front matter.
 *
 * @param folderName Name of the skill's folder.
 */
export function checkFrontMatter(
  value: unknown,
  folderName: string,
): { readonly name: string; readonly description: string } | { readonly reason: string } {
  const read = frontMatterSchema.safeParse(value);
  if (!read.success) {
    return { reason: read.error.issues[0]?.message ?? "its front matter cannot be read" };
  }
  const { name, description } = read.data;
  if (name !== folderName) return { reason: `\`name\` is "${name}", its folder "${folderName}"` };
  return { name, description };
}

/** The skills with some names; without names, all. */
export function skillsFor(
  skills: readonly Skill[],
  names: readonly string[] | undefined,
): readonly Skill[] {
  return names === undefined ? skills : skills.filter(({ name }) => names.includes(name));
}
