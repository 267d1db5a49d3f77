/**
 * The tools for files of the workspace: `read_file`, `write_file`, `edit_file`, `list_files` (S6),
 * and `read_skill` for those of skills (T7).
 */

import { z } from "zod";
import { badArguments, defineTool, type Tool, type ToolContext } from "../core/turn/tool.ts";

const PATH = "Path within the workspace, such as notes/plan.md.";
const path = z.string().min(1).max(1_000).describe(PATH);

/** Maximum characters of a text in a call. */
const MAX_TEXT = 200_000;
const MAX_LINES = 2_000;

const workspaceIn = ({ account, agentId }: ToolContext) =>
  account.bot.toolServices.of(agentId).workspace;

export const readFile: Tool = defineTool({
  name: "read_file",
  isForOwners: true,
  group: "group:fs",
  short: { description: "Reads a file of the workspace.", fields: ["path", "from"] },
  description: "Reads a text file of your workspace.",
  input: () =>
    z.strictObject({
      path,
      from: z.int().min(1).default(1).describe("First line to read, from 1."),
      lines: z.int().min(1).max(MAX_LINES).default(500).describe("How many lines to read."),
    }),
  seenAt: "nowhere",
  needs: [],
  isReadOnly: true,
  isIdempotent: true,
  async run({ path, from, lines }, context) {
    const workspace = workspaceIn(context);
    const all = (await workspace.read(path)).split("\n");
    const shown = all.slice(from - 1, from - 1 + lines);
    if (shown.length === 0) return `The file has ${all.length} lines.`;
    const last = from - 1 + shown.length;
    const rest = last < all.length ? `\n[lines ${from} to ${last} of ${all.length}]` : "";
    return shown.join("\n") + rest;
  },
});

/** Creates or replaces a text file. */
export const writeFile: Tool = defineTool({
  name: "write_file",
  isForOwners: true,
  group: "group:fs",
  effect: () => ({ object: "file", did: "written" }),
  short: { description: "Writes a file of the workspace.", fields: ["path", "text"] },
  description: "Creates a text file of your workspace, or replaces its whole content.",
  input: () => z.strictObject({ path, text: z.string().max(MAX_TEXT) }),
  seenAt: "nowhere",
  needs: [],
  isIdempotent: true,
  async run({ path, text }, context) {
    const workspace = workspaceIn(context);
    await workspace.write(path, text);
    return `Wrote ${text.length} characters.`;
  },
});

/** Replaces one place in a text file. */
export const editFile: Tool = defineTool({
  name: "edit_file",
  isForOwners: true,
  group: "group:fs",
  effect: () => ({ object: "file", did: "written" }),
  description:
    "Replaces a part of a text file of your workspace. `old` must be in the file exactly once, with " +
    "the same spaces and line breaks.",
  input: () =>
    z.strictObject({
      path,
      old: z.string().min(1).max(MAX_TEXT).describe("The part to replace, exactly as in the file."),
      new: z.string().max(MAX_TEXT).describe("The text in its place."),
    }),
  seenAt: "nowhere",
  needs: [],
  isIdempotent: false, // `new` may contain `old`
  async run({ path, old, new: replacement }, context) {
    const workspace = workspaceIn(context);
    const text = await workspace.read(path);
    const at = text.indexOf(old);
    if (at < 0) throw badArguments(notFound(text, old));
    const second = text.indexOf(old, at + 1);
    if (second >= 0) {
      throw badArguments(
        `\`old\` is in the file more than once (lines ${lineAt(text, at)} and ${
          lineAt(text, second)
        }): add lines around it, so that it is there once`,
      );
    }
    const next = text.slice(0, at) + replacement + text.slice(at + old.length);
    await workspace.write(path, next);
    return `Changed line ${lineAt(text, at)}.`;
  },
});

export const listFiles: Tool = defineTool({
  name: "list_files",
  isForOwners: true,
  group: "group:fs",
  description: "Lists the files and folders of your workspace.",
  input: () =>
    z.strictObject({
      path: z.string().max(1_000).default("").describe(`${PATH} Without it, the whole workspace.`),
      recursive: z.boolean().default(false).describe("Also lists the content of folders."),
    }),
  seenAt: "nowhere",
  needs: [],
  isReadOnly: true,
  isIdempotent: true,
  async run({ path, recursive }, context) {
    const workspace = workspaceIn(context);
    const { entries, isCut } = await workspace.list(path, recursive);
    if (entries.length === 0) return "The folder is empty.";
    const lines = entries.map((entry) => JSON.stringify(entry));
    return [...lines, ...(isCut ? ["[there are more entries]"] : [])].join("\n");
  },
});

/** Why a text is not in a file, as exactly as possible. */
function notFound(text: string, old: string): string {
  const loose = (from: string) => from.replace(/\s+/g, " ").trim();
  const lines = text.split("\n");
  const [first = ""] = old.split("\n").filter((line) => line.trim() !== "");
  const near = lines.findIndex((line) => first !== "" && loose(line) === loose(first));
  if (loose(text).includes(loose(old))) {
    return `\`old\` is not in the file as written: its spaces or line breaks differ${
      near < 0 ? "" : ` (near line ${near + 1})`
    }; read the file again`;
  }
  return near < 0
    ? "`old` is not in the file; read the file again"
    : `\`old\` is not in the file; only its first line is, in line ${near + 1}`;
}

function lineAt(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}

export const readSkill: Tool = defineTool({
  name: "read_skill",
  short: { description: "Reads a skill.", fields: ["name", "file"] },
  description: "Reads the instructions of one of your skills, or one of its files.",
  input: () =>
    z.strictObject({
      name: z.string().max(64).describe("Name of the skill."),
      file: z.string().min(1).max(1_000).optional().describe(
        "A file of the skill, such as references/forms.md. Without it, its instructions.",
      ),
    }),
  seenAt: "nowhere",
  needs: [],
  isReadOnly: true,
  isIdempotent: true,
  run: async ({ name, file }, context) =>
    (await import("../flows/tools/skill_tools.ts")).readSkill(context, name, file),
});
