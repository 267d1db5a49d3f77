/**
 * The settings of questions to people: approvals (A1), and the tool `ask` (T10, T11).
 *
 * @module
 */

import type { AccountSettings, Settings } from "../schema/root.ts";

/** Settings of questions that all accounts share. */
export interface PeopleConfig {
  /** Milliseconds until a question of the tool `ask` expires. */
  readonly askTimeoutMs: number;
  /** Whether to ask owners about refused tool calls. */
  readonly escalates: boolean;
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
export function peopleConfig({ tools, approvals }: Settings): PeopleConfig {
  return {
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
    ...(agentFilter && { agents: agentFilter }),
    ...(sessionFilter && { sessions: sessionFilter }),
    timeoutMs: timeoutSec * 1_000,
  };
}
