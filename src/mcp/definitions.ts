/**
 * Tools as servers of the Model Context Protocol describe them: read page by page, bounded, in one
 * order, and hashed.
 *
 * A description is text for the model by someone else. So a changed one must show: a file of the data
 * directory remembers the hashes (T13). Without the right to write there, each look counts as the
 * first.
 */

import { createHash } from "node:crypto";
import type { MCPClient } from "@ai-sdk/mcp";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { inTime, type StartTimer } from "../lib/clock.ts";
import type { LeftTool } from "./reading.ts";

export interface McpToolDefinition {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /** Whether the server says that a second call changes nothing more. */
  readonly isIdempotent: boolean;
  /** Whether the server says that it changes nothing. */
  readonly isReadOnly: boolean;
}

type ListedTool = Awaited<ReturnType<MCPClient["listTools"]>>["tools"][number];

const MAX_TOOLS = 100;
const MAX_DESCRIPTION = 2_000;
const MAX_SCHEMA = 20_000;
const MAX_NAMED = 200;
/** Maximum UTF-16 units of a left-out tool's name. */
const MAX_SHOWN = 100;

/** Longest name that every model API takes. */
export const MAX_NAME = 64;

interface ListedTools {
  /** In the order of their names. */
  readonly tools: readonly McpToolDefinition[];
  /** Tools that the model gets in part or not at all, each with the reason for operators. */
  readonly cut: readonly string[];
}

/** @param allow The server's names of the tools to keep; all if absent. */
function definitionsOf(
  serverId: string,
  listed: readonly ListedTool[],
  allow: readonly string[] | undefined,
): ListedTools {
  const allowed = listed.filter(({ name }) => !allow || allow.includes(name));
  const cut: string[] = [];
  const fitting = allowed.filter(({ name, description = "", inputSchema }) => {
    const long = `mcp__${serverId}__${name}`.length;
    const schema = JSON.stringify(inputSchema).length;
    const why = long > MAX_NAME
      ? `its name has ${long} characters with the server's, more than ${MAX_NAME}`
      : schema > MAX_SCHEMA
      ? `its schema has ${schema} characters, more than ${MAX_SCHEMA}`
      : undefined;
    const shown = name.slice(0, MAX_SHOWN).toWellFormed();
    if (why !== undefined) cut.push(`${shown} is left out (${why})`);
    else if (description.length > MAX_DESCRIPTION) {
      cut.push(`${shown} has the first ${MAX_DESCRIPTION} characters of its description`);
    }
    return why === undefined;
  });
  const late = fitting.slice(MAX_TOOLS).map(({ name }) => name);
  if (late.length > 0) {
    const more = late.length > MAX_NAMED ? ", …" : "";
    const names = late.slice(0, MAX_NAMED).join(", ") + more;
    cut.push(`${late.length} are left out after the first ${MAX_TOOLS} (${names})`);
  }
  const tools = fitting.slice(0, MAX_TOOLS).map(definitionOf)
    .toSorted((one, other) => one.name < other.name ? -1 : 1);
  return { tools, cut };
}

function definitionOf(
  { name, description = "", inputSchema, annotations }: ListedTool,
): McpToolDefinition {
  const { readOnlyHint, idempotentHint } = { ...annotations };
  return {
    name,
    description: description.slice(0, MAX_DESCRIPTION).toWellFormed(),
    inputSchema: { type: "object", ...inputSchema },
    isIdempotent: readOnlyHint === true || idempotentHint === true,
    isReadOnly: readOnlyHint === true,
  };
}

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

export function hashOfAll(hashes: ToolHashes): string {
  const lines = Object.entries(hashes).toSorted().map((entry) => entry.join(" "));
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

export interface ToolDifferences {
  readonly changed: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export function changesOf(before: ToolHashes, after: ToolHashes): ToolDifferences {
  const names = Object.keys(after);
  return {
    changed: names.filter((name) => name in before && before[name] !== after[name]),
    added: names.filter((name) => !(name in before)),
    removed: Object.keys(before).filter((name) => !(name in after)),
  };
}

export function isUnchanged({ changed, added, removed }: ToolDifferences): boolean {
  return changed.length + added.length + removed.length === 0;
}

const MAX_PAGES = 20;

/**
 * Lists the tools.
 *
 * @param allow The server's names of the tools to keep; all if absent.
 * @param pageMs Milliseconds for one page.
 * @throws {Error} If the server does not answer in time, or with an error.
 */
export async function listTools(
  from: Pick<MCPClient, "listTools">,
  serverId: string,
  allow: readonly string[] | undefined,
  pageMs: number,
  schedule: StartTimer,
): Promise<ListedTools> {
  const found = new Map<string, ListedTool>();
  const odd: string[] = [];
  const seen = new Set<string>();
  const leave = (name: string, why: string) => {
    if (!allow || allow.includes(name)) odd.push(`${name} is left out (${why})`);
  };
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const params = cursor === undefined ? {} : { params: { cursor } };
    const listed = await inTimeOrFail(from.listTools(params), pageMs, schedule);
    const kept = new Set(listed.tools.map(({ name }) => name));
    for (const tool of listed.tools) {
      const known = found.get(tool.name);
      if (!known) found.set(tool.name, tool);
      else if (!isDeepStrictEqual(known, tool)) leave(tool.name, "its name is that of another");
    }
    for (const { name, why } of listed["left"] as readonly LeftTool[] ?? []) leave(name, why);
    // The library leaves out tools whose arguments can be no headers.
    for (const name of listed["names"] as readonly string[] ?? []) {
      if (!kept.has(name)) leave(name, "its x-mcp-header is invalid");
    }
    cursor = listed.nextCursor;
    if (cursor === undefined || cursor === "" || seen.has(cursor)) {
      cursor = undefined;
      break;
    }
    seen.add(cursor);
  }
  const { tools, cut } = definitionsOf(serverId, [...found.values()], allow);
  const rest = cursor === undefined ? [] : [`the list of tools has more than ${MAX_PAGES} pages`];
  return { tools, cut: [...cut, ...odd.slice(0, MAX_NAMED), ...rest] };
}

/** @throws {Error} If the server does not answer in time; as a rejection. */
export const inTimeOrFail = <Value>(
  promise: Promise<Value>,
  ms: number,
  schedule: StartTimer,
): Promise<Value> =>
  inTime(promise, ms, schedule, () => {
    throw new Error(`no answer within ${ms / 1_000} s`);
  });

const seenSchema = z.record(z.string(), z.record(z.string(), z.string()));

/** Creates the memory. It reads the file at each look, because another process may write it too. */
export function createSeenTools(path: string) {
  return {
    /**
     * Compares the tools of a server with the remembered ones, and remembers them.
     *
     * @returns `undefined` if the server has no remembered tools.
     */
    look(serverId: string, tools: ToolHashes): ToolDifferences | undefined {
      const seen = readSeen(path);
      const before = seen[serverId];
      const changes = before && changesOf(before, tools);
      if (!changes || !isUnchanged(changes)) remember(path, { ...seen, [serverId]: tools });
      return changes;
    },
    /** The remembered tools of a server; `undefined` if it has none. */
    of: (serverId: string): ToolHashes | undefined => readSeen(path)[serverId],
  };
}

export type SeenTools = ReturnType<typeof createSeenTools>;

function readSeen(path: string): Readonly<Record<string, ToolHashes>> {
  try {
    return seenSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return {}; // the first look, or not ours to read
  }
}

function remember(path: string, seen: Readonly<Record<string, ToolHashes>>): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, `${JSON.stringify(seen)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch {
    // no right to write there
  }
}
