/**
 * The events of a shard's connection lifecycle, and their effects.
 *
 * Plain data only; `advance.ts` decides, and `shard/effects.ts` executes.
 *
 * @module
 */

import type { ReconnectPlan } from "./plan_reconnect.ts";
import type { IdentifyWaitReason, Intent, LifecycleState, PermitAnswer, Phase } from "./state.ts";

/** Events of the state machine. */
export type LifecycleEvent =
  | { readonly kind: "start" | "tick" | "congested" | "drained" | "stop" | "presence_changed" }
  /** Another shard identifies next, so this one waits for `forMs` milliseconds. */
  | { readonly kind: "identify_delayed"; readonly forMs: number }
  | ({ readonly socket: number } & SocketEvent);

/** Events of the current socket. */
export type SocketEvent =
  | { readonly kind: "opened" | "resumed" | "acked" | "heartbeat_requested" | "reconnect_asked" }
  /** Discord has forgotten events that the store lost, so the shard needs a new session. */
  | { readonly kind: "hole" }
  | { readonly kind: "hello"; readonly intervalMs: number }
  | { readonly kind: "permit"; readonly answer: PermitAnswer }
  | { readonly kind: "invalid_session"; readonly canResume: boolean }
  | { readonly kind: "ready"; readonly sessionId: string; readonly resumeUrl: string }
  /** The socket is closed. */
  | { readonly kind: "closed"; readonly code?: number; readonly reason: string }
  /** The received data cannot be decoded any more. */
  | { readonly kind: "garbled"; readonly reason: string };

/** Why a connection ended. Counters use the kinds as labels. */
export type Cause =
  | { readonly kind: "closed"; readonly code?: number; readonly reason: string }
  | { readonly kind: "late"; readonly waitedFor: "connection" | "HELLO" | "READY" | "RESUMED" }
  | { readonly kind: "zombie" | "slept" | "reconnect_asked" | "congested" | "hole" }
  | { readonly kind: "invalid_session"; readonly canResume: boolean }
  | { readonly kind: "garbled"; readonly reason: string };

/** A lost connection, for the log and the counters. */
export interface LostConnection {
  /** Why it ended. */
  readonly cause: Cause;
  /** Number of losses in a row, which is also the number of the next try. */
  readonly attempt: number;
  /** Milliseconds since READY or RESUMED; absent if neither came. */
  readonly livedMs?: number;
  /** The step during which it ended. */
  readonly during: Phase["kind"];
  /** The next step. */
  readonly next: ReconnectPlan;
  /** Set if there was a session that cannot be resumed. */
  readonly isSessionLost: boolean;
  /** Set if Discord ended the session, and no broken connection had a part in that (G11). */
  readonly isEndedByDiscord: boolean;
  /** Failed RESUMEs in a row, including this one. */
  readonly failedResumes: number;
}

/** Effects of a step, which `shard/effects.ts` executes in order. */
export type Effect =
  | {
    readonly kind: "open";
    readonly socket: number;
    readonly url: string;
    readonly intent: Intent;
  }
  /** Close the current socket; no event of it follows. */
  | { readonly kind: "drop"; readonly socket: number }
  /** Send the close frame, and keep reading until Discord has closed, too. */
  | { readonly kind: "close" }
  /** Ask for a permit; with `isPreview`, ask only whether there would be one. */
  | { readonly kind: "ask_permit"; readonly socket: number; readonly isPreview?: true }
  | { readonly kind: "identify" | "heartbeat" | "send_presence" }
  | { readonly kind: "resume"; readonly sessionId: string }
  | { readonly kind: "report_heartbeat"; readonly lateMs: number; readonly latencyMs?: number }
  | { readonly kind: "report_lost"; readonly lost: LostConnection }
  /** The shard closed a working socket, because it must wait to IDENTIFY. */
  | {
    readonly kind: "report_identify_wait";
    readonly reason: IdentifyWaitReason;
    readonly waitMs: number;
  }
  /** Discord requests too many heartbeats; reported once per period. */
  | { readonly kind: "report_flood" }
  /** The session is too old to resume. */
  | { readonly kind: "report_stale" };

/** The result of an event. */
export interface Step {
  /** The state after the event. */
  readonly state: LifecycleState;
  /** Effects to execute, in order. */
  readonly effects: readonly Effect[];
}
