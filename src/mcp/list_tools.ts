/**
 * Asks a server for its tools, page by page, within bounds.
 *
 * @module
 */

import type { MCPClient } from "@ai-sdk/mcp";
import type { StartTimer } from "../lib/clock.ts";
import {
  definitionsOf,
  type ListedTool,
  MAX_TOOLS,
  type McpToolDefinition,
} from "./definitions.ts";

/** Maximum number of pages of a list of tools. */
const MAX_PAGES = 20;

/**
 * Lists the tools.
 *
 * @param allow The server's names of the tools to keep; all if absent.
 * @param pageMs Milliseconds for one page.
 * @throws {Error} If the server does not answer in time, or with an error.
 */
export async function listTools(
  from: MCPClient,
  allow: readonly string[] | undefined,
  pageMs: number,
  schedule: StartTimer,
): Promise<readonly McpToolDefinition[]> {
  const found: ListedTool[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES && found.length < MAX_TOOLS; page++) {
    const params = cursor === undefined ? {} : { params: { cursor } };
    const listed = await within(pageMs, schedule, from.listTools(params));
    found.push(...listed.tools);
    cursor = listed.nextCursor;
    if (cursor === undefined) break;
  }
  return definitionsOf(found, allow);
}

/**
 * Rejects if a promise takes longer than some milliseconds.
 *
 * @throws {Error} If the promise is not settled in time.
 */
export function within<Value>(
  ms: number,
  schedule: StartTimer,
  promise: Promise<Value>,
): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = schedule(() => reject(new Error(`no answer within ${ms / 1_000} s`)), ms);
  return Promise.race([promise, late]).finally(cancel);
}
