/**
 * Declares the snapshot of the running bot that every health output reads.
 *
 * The endpoints, the metrics, `barnacle status` and the service manager's line share it: two
 * sources could contradict each other.
 */

import { z } from "zod";
import type { ConnectionState, IdentifyBudget } from "../core/discord/gateway.ts";
import type { AlertRecord, Finding } from "../core/finding.ts";
import type { McpServerState } from "../core/mcp_state.ts";
import type { ModelDown } from "../core/model_problem.ts";
import type { BudgetUseOf } from "../core/spending/budget.ts";
import type { StoreFigures } from "../core/store/store.ts";
import { parseForeignJson } from "../lib/text/quoted.ts";
import type { ParkedChannel } from "../store/outbox/outbox.ts";

const status = z.enum(["pass", "warn", "fail"]);

/** The part of a report that the command line shows, as the bot writes it. */
export const reportSchema = z.object({
  status,
  build: z.object({ version: z.string(), commit: z.string(), runtime: z.string() }),
  snapshot: z.object({
    phase: z.enum(["starting", "running", "draining"]),
    eventLoopLagMs: z.number(),
    accounts: z.array(z.object({
      id: z.string(),
      name: z.string().optional(),
      state: z.enum(["running", "disabled", "ended"]),
      end: z.string().optional(),
    })),
  }),
  findings: z.array(z.object({
    id: z.string(),
    what: z.string(),
    status: z.enum(["pass", "warn", "fail", "skipped"]),
    where: z.string().optional(),
    why: z.string(),
    fix: z.string().optional(),
  })),
});

export type ShownReport = z.infer<typeof reportSchema>;

/**
 * Reads a report.
 *
 * @returns The shown part, and the whole as JSON; `undefined` if the text is no report.
 */
export function readReport(
  text: string,
): { readonly report: ShownReport; readonly json: string } | undefined {
  const value = parseForeignJson(text);
  const { data } = reportSchema.safeParse(value);
  if (data === undefined) return undefined;
  try {
    return { report: data, json: JSON.stringify(value) };
  } catch {
    return undefined; // nested so deep that the stack overflows
  }
}

export interface Snapshot {
  readonly phase: "starting" | "running" | "draining";
  readonly startedAt: number;
  /** Unix time in milliseconds at which the main thread last ran. */
  readonly mainTickAt: number;
  /**
   * The same for the gateway thread; with several accounts, for the thread that has stood still
   * longest. Absent if no thread runs.
   */
  readonly gatewayTickAt?: number;
  /** In the order of the config. */
  readonly accounts: readonly AccountSnapshot[];
  /** Absent until the config's state has been reported. */
  readonly config?: ConfigState;
  /** Addresses that the config names, and at which the bot cannot listen; absent: none. */
  readonly deaf?: readonly {
    /** Config path of its section: `"http.hooks"`. */
    readonly section: string;
    readonly problem: string;
  }[];
  readonly store: {
    readonly probeMs: number;
    readonly isFailing: boolean;
    /** Whether the database file was found to be damaged. */
    readonly isDamaged?: boolean;
    /** Whether the last failed write met a full disk. */
    readonly isFull?: boolean;
    /** Unix time in milliseconds at which the store last answered a write, even with an error. */
    readonly probedAt: number;
    /** The same for a write or a read. */
    readonly answeredAt: number;
  };
  readonly inbox: {
    readonly waiting: number;
    readonly running: number;
    /** Milliseconds that the oldest unclaimed message has waited; 0 if there is none. */
    readonly oldestMs: number;
  };
  readonly outbox: Omit<StoreFigures["outbox"], "parkedChannels" | "oldestUnsentAt"> & {
    /** Milliseconds that the oldest unsent message has waited; 0 if there is none. */
    readonly oldestMs: number;
  };
  /**
   * The limits of the whole bot and of its agents with their use, and the spent ones of guilds; absent
   * before the first read of the store.
   */
  readonly budgets?: readonly BudgetUseOf[];
  /** Checks of the machine, the backups and the schedules; absent before the first read. */
  readonly slow?: readonly Finding[];
  readonly models: readonly ModelSnapshot[];
  readonly mcpServers: readonly McpServerState[];
  /** Open alerts, oldest first; absent in a process that watches for none. */
  readonly alerts?: readonly AlertRecord[];
  /** The main thread's longest delay of the last minute, in milliseconds. */
  readonly eventLoopLagMs: number;
  /** Resident memory of the process; absent if it cannot be read. */
  readonly rssBytes?: number;
}

export interface AccountSnapshot {
  /** Key of `channels.discord.accounts`, such as `"default"`. */
  readonly id: string;
  /** Display name from the config, if it has one. */
  readonly name?: string;
  /** `disabled`: by the config (C7). `ended`: it has given up. */
  readonly state: "running" | "disabled" | "ended";
  /** Why an ended account ended, and how to fix it. */
  readonly end?: string;
  /** Unix time in milliseconds at which its gateway thread last ran; absent if no thread runs. */
  readonly gatewayTickAt?: number;
  /** The gateway's; absent for a disabled account. `ack` is the last acknowledged heartbeat. */
  readonly connection?: Omit<ConnectionState, "ack"> & {
    readonly ack?: { readonly at: number; readonly intervalMs: number; readonly latencyMs: number };
  };
  /** How the gateway connections are compressed (G8); absent without a connection. */
  readonly compression?: "zlib-stream" | "none";
  /** Absent before the first read of the store, and for a disabled account. */
  readonly identify?: IdentifyBudget;
  /** Messages from a time without a gateway session, which are read over REST (G6). */
  readonly catchUp: {
    /** Channels that are still to be read. */
    readonly pending: number;
    /** Names of the channels that cannot be read. */
    readonly unreadable: readonly string[];
  };
  /** Another program seems to use the bot's token (G11). */
  readonly twin?: {
    /** Unix time in milliseconds of the first sign of it. */
    readonly since: number;
    readonly evidence: string;
  };
  /** An owner or the operator has paused the account (X4). */
  readonly paused?: {
    /** `"cli"`, or the user id of the owner. */
    readonly by: string;
    /** Unix time in milliseconds. */
    readonly since: number;
  };
  /** Failed preflight checks (G13), and problems that parts of the running account have met. */
  readonly findings: readonly Finding[];
  /**
   * Channels in which Discord does not let the bot post (R11). Messages that wait there do not
   * count as late.
   */
  readonly parked: readonly Omit<ParkedChannel, "since">[];
  /** Messages that wait because of failures, the first of each channel. */
  readonly delayed: readonly DelayedMessage[];
  readonly rest: {
    /** Whether Discord answered the last one, without a server error. */
    readonly isUp: boolean;
    /**
     * Requests of the last ten minutes that Discord counts as invalid. Discord bans an address with
     * too many.
     */
    readonly invalidRequests: number;
    readonly breaker: "closed" | "slowed" | "stopped";
    /** Milliseconds for which a request waits for a limit of Discord; absent if none waits. */
    readonly limitedMs?: number;
  };
}

/** Whether the config file is the running config (C9). */
export interface ConfigState {
  /** The problem of the config file; absent if it is the running config. */
  readonly problem?: string;
  /** Unix time in milliseconds since which the file has that problem. */
  readonly since?: number;
  /** Identifies the running config: the same text has the same revision. */
  readonly revision: string;
  readonly loadedAt: number;
  /** Changed keys that apply from the next start on. */
  readonly atTheNextStart?: readonly string[];
}

/** A message that could not be delivered for longer than the fast retries take (D5). */
export interface DelayedMessage {
  /** Its number in `barnacle outbox`. */
  readonly row: number;
  readonly channelId: string;
  readonly reason: string;
  readonly nextAttemptAt: number;
}

/** The fallback that answers for a model (L3). */
export interface ModelCover {
  readonly by: string;
  /** Kind of the model's last failure; absent if it is not known. */
  readonly why?: string;
  /** Unix time in milliseconds from which Barnacle asks the model again; absent: with the next turn. */
  readonly until?: number;
}

export interface ModelSnapshot {
  /** `"<provider>/<model>"`. */
  readonly id: string;
  /** Unix time in milliseconds since which it has failed; absent while it serves. */
  readonly openAt?: number;
  /** The next step for the operator, if it fails and there is one. */
  readonly fix?: string;
  /** Its last failure, with the server's words; absent while it serves, or if it is not known. */
  readonly failure?: string;
  /** Why it answers no question; absent while it may. */
  readonly down?: ModelDown;
  /** The fallback that answers for it; absent while it serves, or if none does. */
  readonly cover?: ModelCover;
  /** Whether it, or a fallback for it, has answered since the start. */
  readonly hasAnswered?: boolean;
}
