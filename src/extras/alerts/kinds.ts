/**
 * The table of alerts (O12): an alert is a check of the running bot that fails for longer than its
 * time. A row names the check, the times and the words.
 */

import type { AlertKindName, Trouble } from "../../core/alerts.ts";
import { type Finding, isTrouble } from "../../core/finding.ts";
import { DAY_MS } from "../../lib/clock.ts";

export interface AlertTimes {
  /** `alerts.gatewayDownSec` */
  readonly gatewayDownSec: number;
}

export interface AlertKind {
  readonly kind: AlertKindName;
  /** Ids of its checks, up to a name. */
  readonly check: RegExp;
  /** The least status that is trouble. */
  readonly from: "pass" | "warn" | "fail";
  /** What the alert is about. */
  readonly about: (finding: Finding) => string;
  /** The sentence about its beginning, without a period. */
  readonly begins: string;
  /** The sentence about its end; absent if the owners do not hear of it. */
  readonly ends?: string;
  /** Milliseconds for which trouble must hold until it is an alert. */
  readonly beginMs: (times: AlertTimes) => number;
  /** Milliseconds for which trouble must be gone until the alert ends. */
  readonly endMs: (times: AlertTimes) => number;
  /** The same once it has come back within a day; absent: it doubles each time, up to an hour. */
  readonly returnedEndMs?: number;
  readonly isUrgent: boolean;
  /** Whether the owners hear of it once a day while it lasts. */
  readonly isRepeated: boolean;
}

const MINUTE_MS = 60_000;

const at = (ms: number) => () => ms;
const whole = () => "";
const account = ({ where = "" }: Finding) => where.replace(/\/.*/, "");
const named = ({ id }: Finding) => id.replace(/^[^:]*:/, "");
const ALERT = { isUrgent: true, isRepeated: true, about: whole, beginMs: at(0), endMs: at(0) };

export const ALERT_KINDS: readonly AlertKind[] = [
  {
    ...ALERT,
    kind: "account",
    check: /^account:state$/,
    from: "warn",
    about: account,
    begins: "An account of Barnacle has ended",
    ends: "The account of Barnacle runs again",
    endMs: at(5 * MINUTE_MS), // a start may end in the same way
  },
  {
    ...ALERT,
    kind: "gateway",
    check: /^gateway:connection$/,
    from: "warn",
    about: account,
    begins: "Barnacle is not connected to Discord, so it answers no one",
    ends: "Barnacle is connected to Discord again",
    beginMs: ({ gatewayDownSec }) => gatewayDownSec * 1_000,
    endMs: ({ gatewayDownSec }) => Math.min(MINUTE_MS, gatewayDownSec * 1_000),
  },
  {
    ...ALERT,
    kind: "limit",
    check: /^rest:limited$/,
    from: "warn",
    about: account,
    begins: "Discord limits Barnacle, so answers wait",
    ends: "Discord takes Barnacle's requests again",
    beginMs: at(10 * MINUTE_MS),
  },
  {
    ...ALERT,
    kind: "store",
    check: /^storage:(?:write|shared)$/,
    from: "fail",
    begins: "Barnacle cannot store messages, so it answers no one",
    ends: "Barnacle can store messages again",
    beginMs: at(30_000),
    endMs: at(MINUTE_MS),
  },
  {
    ...ALERT,
    kind: "disk",
    check: /^host\.data$/,
    from: "warn",
    begins: "The disk of Barnacle's data is nearly full",
    ends: "The disk of Barnacle's data has room again",
    beginMs: at(MINUTE_MS),
    endMs: at(60 * MINUTE_MS),
    isUrgent: false,
  },
  {
    ...ALERT,
    kind: "crashes",
    check: /^host\.runs$/,
    from: "fail",
    begins: "Barnacle keeps being killed, or crashes",
    ends: "Barnacle has run for an hour without a crash",
  },
  {
    ...ALERT,
    kind: "model",
    check: /^llm:/,
    from: "fail",
    about: named,
    begins: "Barnacle's model fails, so questions get no answer",
    ends: "Barnacle's model answers again",
  },
  {
    ...ALERT,
    kind: "budget-near",
    check: /^budget:near$/,
    from: "pass",
    about: ({ where = "" }) => where,
    begins: "A budget of Barnacle is nearly spent",
    isUrgent: false,
    isRepeated: false,
  },
  {
    ...ALERT,
    kind: "budget",
    check: /^budget$/,
    from: "warn",
    about: ({ where = "" }) => where,
    begins: "A budget of Barnacle is spent, so questions get no answer",
    ends: "The budget of Barnacle has room again",
  },
  {
    ...ALERT,
    kind: "schedule",
    check: /^schedule:/,
    from: "warn",
    about: named,
    begins: "A schedule of Barnacle has failed",
    ends: "The schedule of Barnacle works again",
    returnedEndMs: DAY_MS, // it may fail every second time
    isUrgent: false,
    isRepeated: false,
  },
  {
    ...ALERT,
    kind: "backup",
    check: /^host\.backups$/,
    from: "fail",
    begins: "A backup of Barnacle's data has failed",
    ends: "Backups of Barnacle's data work again",
    isUrgent: false,
  },
];

export function kindOf(name: AlertKindName): AlertKind | undefined {
  return ALERT_KINDS.find(({ kind }) => kind === name);
}

/** What a look says about an alert: trouble, no trouble, or that it cannot tell. */
export type Seen = Trouble & { readonly state: "trouble" | "well" | "unknown" };

/** Reads the checks as alerts do. A guild's own budget is no trouble of the bot. */
export function seenIn(findings: readonly Finding[]): readonly Seen[] {
  return ALERT_KINDS.flatMap(({ kind, check, from, about }) =>
    findings.flatMap((finding): readonly Seen[] => {
      const { id, status, why: cause, fix, where, isNoticed } = finding;
      if (!check.test(id) || where?.startsWith("budgets.perGuild.")) return [];
      const isFound = from === "warn" ? isTrouble(finding) : status === from;
      const state = isFound ? "trouble" : status === "skipped" ? "unknown" : "well";
      return [{ kind, about: about(finding), cause, fix, isNoticed, state }];
    })
  );
}
