/**
 * Reports a shard's state, lost connections and log lines to the main thread.
 *
 * Each lost connection is one line at `info` that explains why it ended (G3). With
 * `connection_debug`, further lines show each step (G10). No line contains the token, a session id
 * or people's messages. So Discord's texts are bounded, and token and session id are removed.
 */

import { bounded, UNPRINTABLE } from "../../../lib/text/quoted.ts";
import { backoffOf, closeLabel, closeLine, SESSION_LOST } from "../lifecycle/close_codes.ts";
import type {
  CommonOptions,
  createCounters,
  FromShard,
  FromWorker,
  LogValue,
  ThreadLogLevel,
} from "../link/protocol.ts";
import type { IdentifyWaitReason } from "../../../core/discord/gateway.ts";
import type { LifecycleState, LostConnection, Now } from "../lifecycle/state.ts";
import { isClosedAlive } from "../lifecycle/advance.ts";
import type { BatchBounds } from "../link/batches.ts";
import type { openPayloadSocket } from "../socket/payload_socket.ts";
import { toShardState } from "../socket/frame.ts";

type ShardLogFields = Readonly<Record<string, LogValue>>;

/** Everything that a shard gets from its thread. */
export interface ShardContext {
  /** Sends a message of this shard to the main thread. */
  post(message: FromShard): void;
  /** Sends a message of the whole worker to the main thread. */
  postFromWorker(message: FromWorker): void;
  readonly counters: ReturnType<typeof createCounters>;
  /** Reads both clocks. */
  now(): Now;
  /** Returns a number from 0 up to, but not including, 1. */
  random(): number;
  /** Calls back once, after `ms` milliseconds; returns a function that cancels. */
  after(ms: number, callback: () => void): () => void;
  /** Called at every tick of the machine, to show that the thread runs. */
  onTick(): void;
  readonly connect: typeof openPayloadSocket;
  /**
   * Takes an INTERACTION_CREATE as JSON. Discord waits three seconds for an answer.
   *
   * @returns Whether the main thread gets it.
   */
  readonly acknowledge: (dispatch: string) => boolean;
  /** Bounds of the uncommitted dispatches; absent for the default. */
  readonly bounds?: BatchBounds;
  /** Maximum milliseconds between ticks; for tests. */
  readonly tickMs?: number;
}

const WAIT_TEXTS: Readonly<Record<IdentifyWaitReason, string>> = {
  spacing: "Not identifying yet: another IDENTIFY was sent within five seconds",
  budget: "Daily IDENTIFY limit almost reached: this shard waits before it opens a new session",
};

const HOLE =
  "Discord has forgotten events that the store lost: Barnacle will open a new session, and " +
  "catch-up reads the missing messages";

/** Maximum bytes of a close frame's reason; names of socket errors are shorter. */
const MAX_REASON = 123;

export function createShardReport(
  { token, shardCount, isConnectionDebug, reconnect }: CommonOptions,
  shardId: number,
  { post, postFromWorker, counters }: Pick<ShardContext, "post" | "postFromWorker" | "counters">,
) {
  let reported = "";
  let passedOver = 0;

  function log(level: ThreadLogLevel, event: string, fields: ShardLogFields): void {
    const own: ShardLogFields = shardCount > 1 ? { shard: shardId } : {};
    postFromWorker({ kind: "log", level, event, fields: { ...own, ...fields } });
  }

  function debug(event: string, fields: ShardLogFields): void {
    if (isConnectionDebug) log("debug", event, fields);
  }

  return {
    log,
    /** Writes a log line if `connection_debug` is on. */
    debug,
    /** Reports a heartbeat; without `latencyMs` Discord did not acknowledge it. */
    beat({ lateMs, latencyMs }: { readonly lateMs: number; readonly latencyMs?: number }): void {
      const late = { lateMs: Math.round(lateMs) };
      if (latencyMs === undefined) return debug("Heartbeat not acknowledged", late);
      debug("Heartbeat acknowledged", { ...late, latencyMs: Math.round(latencyMs) });
    },
    identifyWait(reason: IdentifyWaitReason, waitMs: number): void {
      if (reason === "budget") return log("warn", WAIT_TEXTS.budget, { waitMs });
      debug(WAIT_TEXTS.spacing, { waitMs: Math.round(waitMs) });
    },
    /** Tells of a skipped payload: logs every power of two, so that a flood cannot fill the log. */
    passedOver(why: string, { length }: string): void {
      passedOver++;
      if (!Number.isInteger(Math.log2(passedOver))) return;
      log("warn", "Skipped a payload from Discord that Barnacle cannot read", {
        why,
        length,
        passedOver,
      });
    },
    /** Reports a lost connection; `sessionId` is that of the state before. */
    lost(lost: LostConnection, sessionId: string | undefined): void {
      const { cause, during, next, attempt } = lost;
      const label = closeLabel(cause);
      counters.disconnected(label);
      if (during === "resuming") {
        const isLate = cause.kind === "late";
        const isInvalid = cause.kind === "invalid_session";
        counters.resumeEnded(isInvalid ? "invalid" : isLate ? "timeout" : "closed");
      }
      const reason = withoutSecrets(reasonOf(cause), [token, sessionId ?? ""]);
      log("info", closeLine(lost), {
        cause: label,
        phase: during,
        ...(reason !== "" && { reason: bounded(reason, MAX_REASON) }),
      });
      if (lost.isSessionLost) {
        const why = lost.isResumeGivenUp ? `${lost.failedResumes} RESUMEs in a row failed` : label;
        log("warn", SESSION_LOST, { why });
      }
      if (next.kind === "stop" || next.kind === "give_up") {
        return post({ kind: "final", plan: next });
      }
      debug("Back-off", {
        next: next.kind,
        attempt,
        inMs: Math.round(next.delayMs),
        ...backoffOf(next.kind, reconnect, isClosedAlive(lost)),
      });
    },
    /** Reports that Discord has forgotten events that the store lost. */
    hole: (): void => log("warn", HOLE, {}),
    /** Sends state and counters if they have changed. */
    update(lifecycle: LifecycleState): void {
      const state = toShardState(lifecycle);
      const { failures, phase } = lifecycle;
      const text = JSON.stringify([state, failures]);
      if (text !== reported && phase.kind !== "stopped") {
        reported = text;
        post({ kind: "state", state, failures });
      }
      const counts = counters.changed();
      if (counts) postFromWorker({ kind: "counts", counts });
    },
  };
}

export type ShardReport = ReturnType<typeof createShardReport>;

/** The text of Discord's close frame. All other reasons are in the line itself. */
function reasonOf(cause: LostConnection["cause"]): string {
  return cause.kind === "closed" && cause.code !== undefined ? cause.reason : "";
}

/** Removes secrets, and characters that a terminal would execute, or that reorder text. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret !== "")
    .reduce((left, secret) => left.replaceAll(secret, "…"), text)
    .replace(UNPRINTABLE, " ");
}
