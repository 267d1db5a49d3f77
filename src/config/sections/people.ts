/**
 * The settings of commands on the host, and of questions to people (A1, T10, T11).
 *
 * @module
 */

import type { ExecMode } from "../../core/exec/command.ts";
import type { AccountSettings, Settings } from "../schema/root.ts";

/** Settings of questions that all accounts share. */
export interface PeopleConfig {
  /** Milliseconds until a question of the tool `ask` expires. */
  readonly askTimeoutMs: number;
  /** Commands on the host; absent: none. */
  readonly exec?: ExecConfig;
  /** Whether to ask owners about refused tool calls. */
  readonly escalates: boolean;
}

/** Commands on the host (A1). */
export interface ExecConfig {
  /** Never `deny`: then there are no commands. */
  readonly mode: ExecMode;
  /** Commands that need no approval. */
  readonly allow: readonly (readonly string[])[];
  /** Whether commands may run as the bot's user if there is no sandbox. */
  readonly maySkipSandbox: boolean;
}

/** How to ask approvers about commands. The access policy has their ids. */
export interface ExecApprovalsConfig {
  /** Whether to ask them. */
  readonly enabled: boolean;
  /** Agents whose requests are sent; absent: all. */
  readonly agents?: readonly string[];
  /** Sessions whose requests are sent; absent: all. */
  readonly sessions?: readonly string[];
  /** Milliseconds until a request expires. */
  readonly timeoutMs: number;
}

/** Of `tools.askExpiresMin`, for a config without `tools`. */
const ASK_EXPIRES_MIN = 1_440;
/** Of `execApprovals.timeoutSec`, for a config without that section. */
const APPROVAL_SEC = 600;

/** Makes the shared settings. */
export function peopleConfig({ tools, approvals, exec }: Settings): PeopleConfig {
  return {
    exec: exec && exec.mode !== "deny"
      ? { mode: exec.mode, allow: exec.allow, maySkipSandbox: exec.sandbox === "off" }
      : undefined,
    askTimeoutMs: (tools?.askExpiresMin ?? ASK_EXPIRES_MIN) * 60_000,
    escalates: approvals?.escalate ?? false,
  };
}

/** Makes the settings of one account. */
export function execApprovalsConfig({ execApprovals }: AccountSettings): ExecApprovalsConfig {
  const { enabled = false, agentFilter, sessionFilter, timeoutSec = APPROVAL_SEC } =
    execApprovals ?? {};
  return {
    enabled,
    agents: agentFilter,
    sessions: sessionFilter,
    timeoutMs: timeoutSec * 1_000,
  };
}
