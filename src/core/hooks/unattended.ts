/**
 * Actions of a hook that run without a person (T16): the config names the exact call, and a cap per day.
 */

import { DAY_MS } from "../../lib/clock.ts";
import { pathTo } from "../config_file.ts";
import { dayOf } from "../spending/usage.ts";

/** An action as the config names it: `hooks.<name>.unattended.<name>`. */
export interface UnattendedAction {
  /** `exec`, `post`, or a tool of an MCP server. */
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Maximum runs per UTC day, with those that failed. */
  readonly perDay: number;
}

/** Such an action, with the config path that permits it. */
export interface UnattendedRule extends UnattendedAction {
  readonly path: string;
}

export function unattendedRules(
  hookPath: string,
  actions: Readonly<Record<string, UnattendedAction>> | undefined,
): readonly UnattendedRule[] {
  return Object.entries(actions ?? {}).map(([name, action]) => ({
    ...action,
    path: pathTo(pathTo(hookPath, "unattended"), name),
  }));
}

/** The call as the model may copy it. */
export function unattendedCall({ tool, arguments: given }: UnattendedAction): string {
  return JSON.stringify({ tool, arguments: given });
}

/** Begin of the UTC day, which all daily limits count by. */
export function dayStart(now: number): number {
  return dayOf(now) * DAY_MS;
}
