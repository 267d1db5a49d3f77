/**
 * The table of alerts: how each begins and ends, and its words (O12).
 *
 * A row is pure. It judges facts that other parts have: the snapshot of health, and the store.
 */

import type { AlertKindName, Trouble } from "../../core/alerts.ts";
import { CHECKS } from "../../core/checks.ts";
import type { ModelDown } from "../../core/model_problem.ts";
import { budgetText, type BudgetUse, isSpent } from "../../core/spending/budget.ts";
import { isFailure, type Schedule } from "../../core/turn/schedule.ts";
import type { Finding } from "../../core/finding.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { sizeOf } from "../../lib/text/units.ts";

export interface AlertFacts {
  readonly now: number;
  /** Unix time in milliseconds at which the process started. */
  readonly startedAt: number;
  readonly accounts: readonly {
    readonly id: string;
    readonly state: "running" | "disabled" | "ended";
    readonly end?: string;
    readonly shards: readonly { readonly state: string }[];
    readonly rest: { readonly isUp: boolean; readonly limitedMs?: number };
  }[];
  readonly store: {
    readonly isFailing: boolean;
    readonly isDamaged?: boolean;
    readonly isFull?: boolean;
  };
  readonly models: readonly {
    readonly id: string;
    readonly down?: ModelDown;
    readonly hasAnswered?: boolean;
  }[];
  readonly budgets: readonly BudgetUse[];
  readonly schedules: readonly Schedule[];
  /** Free bytes on the disk of the data directory; absent if unknown. */
  readonly freeBytes?: number;
  /** The ends of earlier runs, as judged at the start. */
  readonly runs?: Finding;
  /** Why the last backup failed; absent if it did not, or if there are none. */
  readonly backupFailure?: string;
}

export interface AlertTimes {
  /** `alerts.gatewayDownSec` */
  readonly gatewayDownSec: number;
}

export interface AlertKind {
  readonly kind: AlertKindName;
  /** The sentence about its beginning, without a period. */
  readonly begins: string;
  readonly ends: string;
  /** Milliseconds for which trouble must hold until it is an alert. */
  readonly beginMs: (times: AlertTimes) => number;
  /** Milliseconds for which trouble must be gone until the alert ends. */
  readonly endMs: (times: AlertTimes) => number;
  /** The same once it has come back within a day; absent: it doubles each time, up to an hour. */
  readonly returnedEndMs?: number;
  readonly isUrgent: boolean;
  /** Whether the owners hear of it once a day while it lasts. */
  readonly isRepeated: boolean;
  readonly hasEnd: boolean;
  /**
   * Finds the trouble of this kind.
   *
   * @param isOpen Whether an alert is open already, for limits that differ for its end.
   */
  find(facts: AlertFacts, isOpen: boolean): readonly Omit<Trouble, "kind">[];
  /** Whether the facts cannot tell if the trouble is over; absent: they can. */
  isUnsure?(facts: AlertFacts, about: string): boolean;
  /** Whether the config has the object no more: the alert then ends without a message. */
  isGone?(facts: AlertFacts, about: string): boolean;
}

const MIB = 1_048_576;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Free room below which the disk counts as nearly full, and from which it does not any more. */
const ROOM = { least: 256 * MIB, enough: 512 * MIB };
/** The part of a budget that the owners hear of. */
const NEAR = 0.8;

const ALERT = { isUrgent: true, isRepeated: true, hasEnd: true };
const hasLeft = ({ accounts }: AlertFacts, about: string): boolean =>
  !accounts.some(({ id, state }) => id === about && state !== "disabled");
const at = (beginMs: number) => () => beginMs;

export const ALERT_KINDS: readonly AlertKind[] = [
  {
    ...ALERT,
    kind: "account",
    begins: "An account of Barnacle has ended",
    ends: "The account of Barnacle runs again",
    beginMs: at(0),
    endMs: at(5 * MINUTE_MS), // a start may end in the same way
    find: ({ accounts }) =>
      accounts.flatMap(({ id, state, end = "for an unknown reason" }) =>
        state === "ended"
          ? [{ about: id, cause: end, fix: "run `barnacle doctor`, and start Barnacle again" }]
          : []
      ),
    isGone: hasLeft,
  },
  {
    ...ALERT,
    kind: "gateway",
    begins: "Barnacle is not connected to Discord, so it answers no one",
    ends: "Barnacle is connected to Discord again",
    beginMs: ({ gatewayDownSec }) => gatewayDownSec * 1_000,
    endMs: ({ gatewayDownSec }) => Math.min(MINUTE_MS, gatewayDownSec * 1_000),
    find: ({ accounts }) =>
      accounts.flatMap((account) => {
        const down = account.shards.find(({ state }) => state !== "ready");
        if (account.state !== "running" || !down) return [];
        const isUp = account.rest.isUp ? "" : "; Discord's REST API does not answer either";
        return [{
          about: account.id,
          cause: `its connection is ${stateText(down.state)}${isUp}`,
          fix: "look at https://discordstatus.com, and run `barnacle netcheck` on its machine",
        }];
      }),
    isUnsure: ({ accounts }, about) =>
      accounts.some(({ id, state }) => id === about && state === "ended"),
    isGone: hasLeft,
  },
  {
    ...ALERT,
    kind: "limit",
    begins: "Discord limits Barnacle, so answers wait",
    ends: "Discord takes Barnacle's requests again",
    beginMs: at(0),
    endMs: at(0),
    find: ({ accounts }, isOpen) =>
      accounts.flatMap(({ id, rest: { limitedMs = 0 } }) => {
        if (limitedMs === 0 || !isOpen && limitedMs < HOUR_MS) return [];
        return [{ about: id, cause: `a request waits ${Math.ceil(limitedMs / HOUR_MS)} h` }];
      }),
    isGone: hasLeft,
  },
  {
    ...ALERT,
    kind: "store",
    begins: "Barnacle cannot store messages, so it answers no one",
    ends: "Barnacle can store messages again",
    beginMs: at(30_000),
    endMs: at(MINUTE_MS),
    find: ({ store: { isFailing, isDamaged, isFull } }) =>
      !isFailing ? [] : [
        isDamaged
          ? {
            about: "",
            cause: "its database is damaged",
            fix: "stop Barnacle, and run `barnacle doctor`",
          }
          : isFull
          ? { about: "", cause: "the disk is full", fix: "free some room: `df -h` shows the disks" }
          : {
            about: "",
            cause: "its last writes failed",
            fix: "run `barnacle status`, which shows why",
          },
      ],
  },
  {
    ...ALERT,
    kind: "disk",
    begins: "The disk of Barnacle's data is nearly full",
    ends: "The disk of Barnacle's data has room again",
    beginMs: at(MINUTE_MS),
    endMs: at(5 * MINUTE_MS),
    isUrgent: false,
    find: ({ freeBytes, store }, isOpen) =>
      freeBytes === undefined || store.isFailing ||
        freeBytes >= (isOpen ? ROOM.enough : ROOM.least)
        ? []
        : [{
          about: "",
          cause: `${sizeOf(freeBytes)} are free`,
          fix:
            "free some room, or lower `store.retention`: with a full disk, no message is answered",
        }],
    // A full disk is the trouble of "store", and yet no end of this.
    isUnsure: ({ freeBytes, store }) => freeBytes === undefined || store.isFailing,
  },
  {
    ...ALERT,
    kind: "crashes",
    begins: "Barnacle keeps being killed, or crashes",
    ends: "Barnacle has run for an hour without a crash",
    beginMs: at(0),
    endMs: at(0),
    find: ({ runs, startedAt, now }) =>
      runs?.status !== "fail" || now - startedAt >= HOUR_MS
        ? []
        : [{ about: "", cause: runs.why, fix: runs.fix }],
  },
  {
    ...ALERT,
    kind: "model",
    begins: "Barnacle's model fails, so questions get no answer",
    ends: "Barnacle's model answers again",
    beginMs: at(0),
    endMs: at(0),
    find: ({ models }) => models.flatMap(({ id, down }) => down ? [{ about: id, ...down }] : []),
    isUnsure: ({ models }, about) =>
      models.some(({ id, down, hasAnswered }) => id === about && !down && !hasAnswered),
    isGone: ({ models }, about) => !models.some(({ id }) => id === about),
  },
  {
    ...ALERT,
    kind: "budget-near",
    begins: "A budget of Barnacle is nearly spent",
    ends: "",
    beginMs: at(0),
    endMs: at(0),
    isUrgent: false,
    isRepeated: false,
    hasEnd: false,
    find: ({ budgets }) =>
      budgets.filter((use) => !isSpent(use) && use.used >= use.limit * NEAR).map((use) => ({
        about: use.rule,
        cause: budgetText(use),
        fix: `raise \`${use.rule}\` if it is too low`,
      })),
  },
  {
    ...ALERT,
    kind: "budget",
    begins: "A budget of Barnacle is spent, so questions get no answer",
    ends: "The budget of Barnacle has room again",
    beginMs: at(0),
    endMs: at(0),
    find: ({ budgets }) =>
      budgets.filter(isSpent).map((use) => ({
        about: use.rule,
        cause: budgetText(use),
        fix: `raise \`${use.rule}\`, or wait until its day or month ends`,
      })),
  },
  {
    ...ALERT,
    kind: "schedule",
    begins: "A schedule of Barnacle has failed",
    ends: "The schedule of Barnacle works again",
    beginMs: at(0),
    endMs: at(0),
    returnedEndMs: DAY_MS, // it may fail every second time
    isUrgent: false,
    isRepeated: false,
    find: ({ schedules, now }) =>
      schedules.flatMap((schedule) => {
        const trouble = failedSchedule(schedule, now);
        return trouble ? [trouble] : [];
      }),
    // One that runs once cannot work again.
    isGone: ({ schedules }, about) =>
      !schedules.some(({ id, cron }) => String(id) === about && cron !== undefined),
  },
  {
    ...ALERT,
    kind: "backup",
    begins: "A backup of Barnacle's data has failed",
    ends: "Backups of Barnacle's data work again",
    beginMs: at(0),
    endMs: at(0),
    isUrgent: false,
    find: ({ backupFailure: cause }) =>
      cause === undefined
        ? []
        : [{ about: "", cause, fix: "run `barnacle backup` once the cause is gone" }],
  },
];

export function kindOf(name: AlertKindName): AlertKind | undefined {
  return ALERT_KINDS.find(({ kind }) => kind === name);
}

/** The words of a shard's state, as `status` has them. */
function stateText(state: string): string {
  const words: Readonly<Record<string, string>> = CHECKS["gateway:connection"].text;
  return words[state] ?? state;
}

/**
 * A schedule whose last run reached no person. The owners have a notice of it (T12). In a direct
 * message, the person sees it.
 */
function failedSchedule(
  { id, cron, lastRun, pausedBy, origin: { place } }: Schedule,
  now: number,
): Omit<Trouble, "kind"> | undefined {
  const isPaused = pausedBy === "failures";
  if (!lastRun || !isFailure(lastRun.state)) return undefined;
  const isUnseen = place.kind !== "dm" && lastRun.state !== "refused" && pausedBy === undefined;
  const isOld = cron === undefined && now - lastRun.startedAt >= DAY_MS; // it never runs again
  if (!isPaused && (!isUnseen || isOld)) return undefined;
  return {
    about: String(id),
    cause: isPaused ? "its last runs failed, so it is paused" : "its last run failed",
    fix: `run \`barnacle why ${lastRun.messageId}\`` +
      (isPaused ? `, then \`barnacle schedules resume ${id}\`` : ""),
    isNoticed: true,
  };
}
