/**
 * Finds the destructive actions of an answer that have not run, for their limit (T3).
 *
 * @module
 */

import type { WaitingAction } from "../../core/turn/ports/discord_place.ts";
import type { OpenCall } from "../../core/turn/tool.ts";
import type { Action } from "./action/action.ts";

/** Fields that do not tell what an action does. */
const LEFT_OUT: ReadonlySet<string> = new Set(["action", "dryRun", "reason"]);

/** Whether a call changes something that people may want back. A dry run does not. */
export function isDestructive(
  action: Action | undefined,
  { dryRun }: Readonly<Record<string, unknown>>,
): boolean {
  return action?.undo !== undefined && dryRun !== true;
}

/** The destructive actions of calls of the tool `discord`, in order. */
export function destructiveOf(
  open: readonly OpenCall[],
  actionOf: (name: unknown) => Action | undefined,
): readonly WaitingAction[] {
  return open.flatMap(({ callKey, name, arguments: written }) => {
    const given = name === "discord" ? recordOf(written) : undefined;
    const action = given && actionOf(given["action"]);
    if (!given || !action || !isDestructive(action, given)) return [];
    const fields = Object.entries(given).filter(([key, value]) =>
      !LEFT_OUT.has(key) && value !== null
    ).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    return [{ callKey, line: [action.name, ...fields].join(" ") }];
  });
}

function recordOf(written: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(written);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined; // the call fails, and tells the model
  }
}
