/**
 * What the running bot knows of itself, as every outlet of its health reads it.
 *
 * There is one such object for the endpoints, the metrics, `barnacle status` and
 * the service manager's line: two sources would be two truths.
 *
 * @module
 */

import type { Finding } from "../core/finding.ts";
import type { IdentifyBudget } from "../core/discord/identify_budget.ts";

/** What the running bot knows of itself, taken at one moment. */
export interface Snapshot {
  readonly phase: "starting" | "running" | "draining";
  /** Unix time in milliseconds. */
  readonly startedAt: number;
  /** Unix time in milliseconds at which the main thread's counter last moved. */
  readonly mainTickAt: number;
  /**
   * The same of the gateway's thread, of several accounts' the one that has stood still longest;
   * absent where none runs.
   */
  readonly gatewayTickAt?: number;
  /** In the order of the config. */
  readonly accounts: readonly AccountSnapshot[];
  /** Absent until whoever reads the config has told of it. */
  readonly config?: ConfigState;
  readonly store: {
    readonly probeMs: number;
    readonly isFailing: boolean;
    /** Unix time in milliseconds at which it last answered a write, if only to refuse it. */
    readonly probedAt: number;
    /** The same of a write or a read. */
    readonly answeredAt: number;
  };
  readonly inbox: {
    readonly waiting: number;
    readonly running: number;
    /** Milliseconds that the oldest unclaimed message has waited; 0 if there is none. */
    readonly oldestMs: number;
  };
  readonly outbox: {
    readonly pending: number;
    readonly sending: number;
    /** Messages of which nobody can tell whether Discord has them. */
    readonly uncertain: number;
    /** Messages that Discord will not take, ever. */
    readonly dead: number;
    /** Messages that wait in parked channels; they are not counted as pending. */
    readonly parked: number;
    /** Milliseconds that the oldest unsent message has waited; 0 if there is none. */
    readonly oldestMs: number;
  };
  /** Of all accounts that run, each once. */
  readonly models: readonly Model[];
  /** The main thread's longest delay in milliseconds, of the last minute. */
  readonly eventLoopLagMs: number;
  readonly rssBytes: number;
}

/** What one account knows of itself. */
export interface AccountSnapshot {
  /** Key of `channels.discord.accounts`: `"default"`. */
  readonly id: string;
  /** What people call it, where the config says so. */
  readonly name?: string;
  /** `disabled`: the config says so (C7). `ended`: it cannot go on, and does not try. */
  readonly state: "running" | "disabled" | "ended";
  /** Of one that has ended: why, and what to do. */
  readonly end?: string;
  /** Unix time in milliseconds at which its gateway's thread last moved; absent where none runs. */
  readonly gatewayTickAt?: number;
  /** None of one that is disabled. */
  readonly shards: readonly Shard[];
  /** How the gateway's connections are compressed (G8); absent before there are any. */
  readonly compression?: "zlib-stream" | "none";
  /** Absent before the store was asked, and of one that is disabled. */
  readonly identify?: IdentifyBudget;
  /** Strangers who have a code and wait to be let in (P3); absent as above. */
  readonly pairingPending?: number;
  readonly catchUp: CatchUpState;
  /** Somebody else seems to use the bot's token (G11). */
  readonly twin?: {
    /** Unix time in milliseconds of the first sign of it. */
    readonly since: number;
    /** What was seen, in words. */
    readonly evidence: string;
  };
  /** What was looked at before connecting (G13); those that passed are left out. */
  readonly findings: readonly Finding[];
  /** Channels that Discord does not let the bot post in (R11); what waits there is no delay. */
  readonly parked: readonly ParkedChannel[];
  readonly rest: RestState;
}

/** Whether the config on the disk is the one that runs (C9). */
export interface ConfigState {
  /** What is wrong with the one on the disk; absent where it is the one that runs. */
  readonly problem?: string;
  /** Unix time in milliseconds since which there is that problem. */
  readonly since?: number;
  /** Names the one that runs: the same for the same text. */
  readonly revision: string;
  /** Unix time in milliseconds at which it was loaded. */
  readonly loadedAt: number;
}

export interface Shard {
  /** Account and shard: `"default/0"`. */
  readonly id: string;
  readonly state: "connecting" | "identifying" | "resuming" | "backoff" | "ready" | "fatal";
  /** Unix time in milliseconds at which it was last ready, or else was started. */
  readonly readyAt: number;
  /** Whether more connections in a row have failed than `gateway.reconnect.maxRetries`. */
  readonly isDown: boolean;
  /** The last heartbeat that Discord acknowledged; absent before the first. */
  readonly ack?: {
    /** Unix time in milliseconds. */
    readonly at: number;
    readonly intervalMs: number;
    /** From the heartbeat to its acknowledgement. */
    readonly latencyMs: number;
  };
  /** The last sequence number whose messages are stored; absent without a session. */
  readonly seqCommitted?: number;
  /** Why it does not identify now, though it would. */
  readonly waits?: "budget" | "spacing";
}

/** What was said while no gateway session lasted, and is read over REST (G6). */
export interface CatchUpState {
  /** Channels that are still to be read. */
  readonly pending: number;
  /** Channels of which nobody can tell what was said: their names. */
  readonly unreadable: readonly string[];
}

export interface ParkedChannel {
  readonly channelId: string;
  /** In words: `"cannot post in #ops: Send Messages is denied for the role Krill"`. */
  readonly reason: string;
  /** Messages that wait for it to change. */
  readonly waiting: number;
}

/** How requests to Discord fare. */
export interface RestState {
  /** Whether the last one was answered, and not with a fault of Discord's. */
  readonly isUp: boolean;
  /** Requests of the last ten minutes that Discord counts as invalid: too many lock out the address. */
  readonly invalidRequests: number;
  readonly breaker: "closed" | "slowed" | "stopped";
}

export interface Model {
  readonly id: string;
  /** Unix time in milliseconds since which it answers nobody; absent while it serves. */
  readonly openAt?: number;
}
