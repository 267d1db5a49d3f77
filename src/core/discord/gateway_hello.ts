/**
 * The facts of a connection to the gateway that waits for HELLO and never identifies.
 *
 * @module
 */

import type { Stage } from "../../lib/network/reachability.ts";

/** A gateway's greeting, which it sends before IDENTIFY. */
export interface HelloFound {
  /** Milliseconds until the WebSocket was open (HTTP status 101). */
  readonly openMs: number;
  /** Milliseconds between two heartbeats, as the gateway asks in HELLO. */
  readonly heartbeatIntervalMs: number;
}

/**
 * Why an open WebSocket brought no HELLO.
 *
 * - `closed`: the gateway sent a close frame.
 * - `broken`: the connection ended without a code.
 * - `silent`: HELLO did not come in time.
 * - `foreign`: the first message was something else.
 */
export type HelloEnd =
  | {
    readonly kind: "closed";
    /** The close code. */
    readonly code: number;
    /** Description of the code: `"session timed out"`. */
    readonly meaning: string;
    /** The gateway's text as received; may be empty. */
    readonly reason: string;
    /** Advice for the operator; only for final codes. */
    readonly hint?: string;
  }
  | {
    readonly kind: "broken";
    /** The system's error code, or words if there is none: `"ECONNRESET"`. */
    readonly code: string;
  }
  | { readonly kind: "silent" | "foreign" };

/** The result. `failed`: no WebSocket opened. `ended`: one opened, but brought no HELLO. */
export type HelloStage =
  | Stage<HelloFound>
  | {
    readonly kind: "ended";
    /** Duration of the whole stage in milliseconds. */
    readonly ms: number;
    /** Milliseconds until the WebSocket was open (HTTP status 101). */
    readonly openMs: number;
    readonly end: HelloEnd;
  };
