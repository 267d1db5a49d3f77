/**
 * What a shard tells of itself: its state, its losses, its log lines.
 *
 * With `connection_debug` the lines alone say why a connection came to its end
 * (G10). Neither the token, nor a session's id, nor what people write is in any
 * of them: whatever the other end words is cleared of the first two and bounded.
 *
 * @module
 */

import { bounded } from "../../../lib/bounded.ts";
import { closeLabel, closeLine, SESSION_LOST } from "../lifecycle/close_line.ts";
import type { Counters } from "../link/counts.ts";
import type { IdentifyWaitReason, LifecycleState, LostConnection } from "../lifecycle/state.ts";
import { MAX_FAILED_RESUMES } from "../lifecycle/loss.ts";
import { backoffOf } from "../lifecycle/plan_reconnect.ts";
import type { CommonOptions, FromShard, FromWorker, LogLevel, LogValue } from "../link/protocol.ts";
import { toShardState } from "../socket/wire.ts";

export type LogFields = Readonly<Record<string, LogValue>>;

export interface ReportPorts {
  post(message: FromShard): void;
  /** What is of the whole worker. */
  postFromWorker(message: FromWorker): void;
  readonly counters: Counters;
}

export interface ShardReport {
  log(level: LogLevel, event: string, fields: LogFields): void;
  /** Said with `connection_debug` only. */
  debug(event: string, fields: LogFields): void;
  beat(beat: { readonly lateMs: number; readonly latencyMs?: number }): void;
  identifyWait(reason: IdentifyWaitReason, waitMs: number): void;
  /** Counted each time, and said ever more rarely: a flood is not to fill the log. */
  passedOver(why: string, text: string): void;
  lost(lost: LostConnection, sessionId: string | undefined): void;
  hole(): void;
  /** State and counters, where they have changed. */
  update(state: LifecycleState): void;
}

const WAIT_TEXTS: Readonly<Record<IdentifyWaitReason, string>> = {
  spacing: "Not identifying yet: another IDENTIFY was sent within five seconds",
  budget: "Not identifying: the day's IDENTIFYs are spent but for the reserve",
};

const HOLE =
  "The store has lost events, and Discord has forgotten them: a new session follows, and " +
  "catch-up looks for the messages among them";

/** Bytes of a close frame's reason; a socket error's name is shorter. */
const MAX_REASON = 123;

export function createShardReport(
  { token, shardCount, isConnectionDebug, reconnect }: CommonOptions,
  shardId: number,
  { post, postFromWorker, counters }: ReportPorts,
): ShardReport {
  let reported = "";
  let passedOver = 0;

  function log(level: LogLevel, event: string, fields: LogFields): void {
    const own = shardCount > 1 ? { shard: shardId } : {};
    postFromWorker({ kind: "log", level, event, fields: { ...own, ...fields } });
  }

  function debug(event: string, fields: LogFields): void {
    if (isConnectionDebug) log("debug", event, fields);
  }

  return {
    log,
    debug,
    beat({ lateMs, latencyMs }) {
      const late = { lateMs: Math.round(lateMs) };
      if (latencyMs === undefined) return debug("Heartbeat not acknowledged", late);
      debug("Heartbeat acknowledged", { ...late, latencyMs: Math.round(latencyMs) });
    },
    identifyWait(reason, waitMs) {
      if (reason === "budget") return log("warn", WAIT_TEXTS.budget, { waitMs });
      debug(WAIT_TEXTS.spacing, { waitMs: Math.round(waitMs) });
    },
    passedOver(why, { length }) {
      counters.unparsable();
      passedOver++;
      if (!Number.isInteger(Math.log2(passedOver))) return;
      log("warn", "Passed over what Discord sent, for it could not be read", {
        why,
        length,
        passedOver,
      });
    },
    lost(lost, sessionId) {
      const { cause, during, next, attempt } = lost;
      const label = closeLabel(cause);
      counters.disconnected(label);
      if (during === "resuming") {
        const isLate = cause.kind === "late";
        const isInvalid = cause.kind === "invalid_session";
        counters.resumeEnded(isInvalid ? "invalid" : isLate ? "timeout" : "closed");
      }
      log("info", closeLine(lost), { cause: label, phase: during });
      if ("reason" in cause) {
        const safeReason = withoutSecrets(cause.reason, [token, sessionId ?? ""]);
        debug("The other end's words", { reason: bounded(safeReason, MAX_REASON) });
      }
      if (lost.isSessionLost) {
        const isGivenUp = lost.failedResumes >= MAX_FAILED_RESUMES;
        const why = isGivenUp ? `${lost.failedResumes} RESUMEs in a row came to nothing` : label;
        log("warn", SESSION_LOST, { why });
      }
      if (next.kind === "stop" || next.kind === "give_up") {
        return post({ kind: "final", plan: next });
      }
      const { minDelayMs, maxDelayMs, base } = backoffOf(next.kind, reconnect);
      debug("Back-off", {
        next: next.kind,
        attempt,
        inMs: Math.round(next.delayMs),
        minDelayMs,
        maxDelayMs,
        base,
      });
    },
    hole: () => log("warn", HOLE, {}),
    update(lifecycle) {
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

/** A text without what is secret, and without what a terminal would act on. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret !== "")
    .reduce((left, secret) => left.replaceAll(secret, "…"), text)
    .replace(/\p{Cc}/gu, " ");
}
