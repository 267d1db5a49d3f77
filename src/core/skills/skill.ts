/**
 * Skills in the format of agentskills.io: a folder with a `SKILL.md`, whose front matter states its
 * purpose (T7).
 */

import { hash } from "node:crypto";
import { z } from "zod";
import type { UserId } from "../discord/ids.ts";
import { audienceOf } from "../tool_names.ts";

export interface SkillTool {
  /** `home/lights`. */
  readonly id: string;
  /** Name for the model: `skill__home__lights`. */
  readonly name: string;
  /** `home/tools/lights.js`. */
  readonly file: string;
  /** The text that runs: the file is not read again. */
  readonly source: string;
  /** SHA-256 of the source and of its header, in hex: an owner confirms it. */
  readonly hash: string;
  readonly head: ToolHead;
}

export interface ToolHead {
  readonly description: string;
  /** JSON Schema. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly hosts: readonly string[];
  readonly tools: readonly string[];
  readonly readOnly: boolean;
}

export interface ScriptEnd {
  /** Lines that it wrote, within bounds. */
  readonly output: string;
  /** The value of its last expression as text; absent if it failed. */
  readonly value?: string;
  /** Why it failed: the same text for the same script. Absent if it did not. */
  readonly failure?: string;
}

/** Runs a file in the sandbox, and answers its requests, which are untrusted. */
export type RunTool = (
  job: Pick<SkillTool, "source" | "file"> & {
    readonly kind: "tool";
    /** As JSON; absent: the result is the header. */
    readonly input?: string;
    readonly timeoutMs: number;
  },
  signal: AbortSignal,
  /** The person whose turn it is, who has one run at a time; absent: no person's. */
  by?: UserId,
  answer?: (kind: string, args: readonly unknown[]) => Promise<unknown>,
) => Promise<ScriptEnd>;

/** Whether a text is scheme, host and port, as URLs have them. */
export const isOrigin = (written: string): boolean =>
  URL.canParse(written) && /^https?:/.test(written) && new URL(written).origin === written;

/** How to write one. */
export const ORIGIN = 'Expected scheme, host and port, such as "http://homeassistant.local:8123"';

/** Tools that ask people, or take a place of the sandbox. */
const NOT_CALLABLE = /^(?:code|ask|skill__.*)$/;

/** Keys of JSON Schema that could make the check of an input slow. */
const SLOW_KEYS = /"(?:pattern|patternProperties|format|\$\w+)":/;

const headSchema: z.ZodType<ToolHead> = z.lazy(() =>
  z.strictObject({
    description: z.string().trim().min(1).max(1_000),
    input: z.looseObject({ type: z.literal("object") }).prefault({ type: "object" })
      .refine((schema) => !SLOW_KEYS.test(JSON.stringify(schema)), {
        error: "it may have no pattern, format, and keys that begin with $",
      }),
    hosts: z.array(z.string().refine(isOrigin, ORIGIN)).max(10).default([]),
    tools: z.array(
      z.string().refine(
        (name) => audienceOf(name) !== undefined && !NOT_CALLABLE.test(name),
        "there is no tool of this name that a file may call",
      ),
    ).max(10).default([]),
    readOnly: z.boolean().default(false),
  }).refine(({ readOnly, tools }) => !readOnly || tools.length === 0, {
    error: "a file that calls tools is not readOnly",
  })
);

/** Checks the input of a tool. @throws {Error} If its schema is broken. */
export const inputOf = ({ head }: Pick<SkillTool, "head">): z.ZodType =>
  z.fromJSONSchema(head.input);

/** Longest header, in characters of JSON. */
const MAX_HEAD = 16_000; // the sandbox cuts a longer result than 20,000

/** Reads the header of a file. @throws {Error} If the tool cannot be used, with the reason. */
export function readTool(skill: string, path: string, source: string, json: string): SkillTool {
  const short = path.slice("tools/".length, -".js".length);
  const name = `skill__${skill}__${short}`;
  if (!/^[a-z][a-z0-9_]*$/.test(short) || name.length > 64) {
    throw new Error(`its name may have only a-z, 0-9 and _; ${name} may have 64 characters`);
  }
  if (json.length > MAX_HEAD) throw new Error(`its header has more than ${MAX_HEAD} characters`);
  const { data: head, error } = headSchema.safeParse(JSON.parse(json));
  if (!head) {
    const [{ path, message } = { path: [], message: "" }] = error.issues;
    throw new Error(`\`${["tool", ...path].join(".")}\`: ${message}`);
  }
  inputOf({ head });
  const names = { id: `${skill}/${short}`, name, file: `${skill}/${path}` };
  // A script may compute its header, so the same text can reach other hosts on another day.
  return { ...names, source, hash: hash("sha256", JSON.stringify([source, head])), head };
}

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
