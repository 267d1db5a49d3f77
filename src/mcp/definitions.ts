/**
 * Tools as servers of the Model Context Protocol describe them: bounded, in one order, and hashed.
 *
 * A description is text for the model by someone else. So a changed one must show.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** A tool, as a server describes it. */
export interface McpToolDefinition {
  /** The server's name of it. */
  readonly name: string;
  /** Its text for the model. */
  readonly description: string;
  /** JSON Schema of its arguments. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /** Whether the server says that a second call changes nothing more. */
  readonly isIdempotent: boolean;
}

/** A tool in a server's answer. */
export interface ListedTool {
  /** Its name at the server. */
  readonly name: string;
  /** Its text for the model. */
  readonly description?: string | undefined;
  /** JSON Schema of its input. */
  readonly inputSchema: object;
  /** Hints of the server, such as whether it only reads. */
  readonly annotations?: object | undefined;
}

/** Maximum number of tools of one server. */
export const MAX_TOOLS = 100;
const MAX_DESCRIPTION = 2_000;
const MAX_SCHEMA = 20_000;

/**
 * The tools of a server, in the order of their names.
 *
 * @param allow The server's names of the tools to keep; all if absent.
 */
export function definitionsOf(
  listed: readonly ListedTool[],
  allow: readonly string[] | undefined,
): readonly McpToolDefinition[] {
  return listed.flatMap((tool) => definitionOf(tool, allow) ?? []).slice(0, MAX_TOOLS)
    .toSorted((one, other) => one.name < other.name ? -1 : 1);
}

/** @returns `undefined` for a tool that is not allowed, or whose schema is too long for a model. */
function definitionOf(
  { name, description = "", inputSchema, annotations }: ListedTool,
  allow: readonly string[] | undefined,
): McpToolDefinition | undefined {
  if (allow && !allow.includes(name)) return undefined;
  if (JSON.stringify(inputSchema).length > MAX_SCHEMA) return undefined;
  const { readOnlyHint, idempotentHint }: {
    readonly readOnlyHint?: unknown;
    readonly idempotentHint?: unknown;
  } = { ...annotations };
  return {
    name,
    description: description.slice(0, MAX_DESCRIPTION).toWellFormed(),
    inputSchema: { type: "object", ...inputSchema },
    isIdempotent: readOnlyHint === true || idempotentHint === true,
  };
}

/** Hashes by the names of tools. */
export type ToolHashes = Readonly<Record<string, string>>;

/** The hash of each tool: of all that the model reads about it. */
export function hashesOf(tools: readonly McpToolDefinition[]): ToolHashes {
  return Object.fromEntries(
    tools.map((tool) => [
      tool.name,
      createHash("sha256").update(JSON.stringify(tool)).digest("hex"),
    ]),
  );
}

/** One hash for all tools of a server. */
export function hashOfAll(hashes: ToolHashes): string {
  const lines = Object.entries(hashes).toSorted().map((entry) => entry.join(" "));
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

/** Differences between two lists of tools, as names. */
export interface ToolChanges {
  /** Tools with another definition. */
  readonly changed: readonly string[];
  /** New tools. */
  readonly added: readonly string[];
  /** Tools that the server no longer lists. */
  readonly removed: readonly string[];
}

/** Compares two lists of tools. */
export function changesOf(before: ToolHashes, after: ToolHashes): ToolChanges {
  const names = Object.keys(after);
  return {
    changed: names.filter((name) => name in before && before[name] !== after[name]),
    added: names.filter((name) => !(name in before)),
    removed: Object.keys(before).filter((name) => !(name in after)),
  };
}

/** Whether two lists of tools are the same. */
export function isUnchanged({ changed, added, removed }: ToolChanges): boolean {
  return changed.length + added.length + removed.length === 0;
}
