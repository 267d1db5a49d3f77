/**
 * The address that a shard calls, the payloads that it sends, and what it tells of itself.
 *
 * @module
 */

import process from "node:process";
import type { Life, Phase } from "./life.ts";
import type { GatewayOptions, ShardState } from "./protocol.ts";

/** @throws {TypeError} If the address is no URL. */
export function gatewayUrl(address: string, compress: boolean): URL {
  const url = new URL(address);
  url.searchParams.set("v", "10");
  url.searchParams.set("encoding", "json");
  if (compress) url.searchParams.set("compress", "zlib-stream");
  return url;
}

/** `d` of IDENTIFY. */
export function identifyPayload({ token, intents }: GatewayOptions): unknown {
  return {
    token,
    intents,
    properties: { os: process.platform, browser: "Barnacle", device: "Barnacle" },
    large_threshold: 50,
  };
}

/** `d` of RESUME. */
export function resumePayload(token: string, sessionId: string, seq: number): unknown {
  return { token, session_id: sessionId, seq };
}

export function toShardState({ phase, readyAt, ack, isDown }: Life): ShardState {
  return { state: STATES[phase.kind], readyAt, ...(ack && { ack }), isDown };
}

const STATES: Readonly<Record<Phase["kind"], ShardState["state"]>> = {
  waiting: "backoff",
  connecting: "connecting",
  greeting: "connecting",
  identifying: "identifying",
  resuming: "resuming",
  ready: "ready",
  final: "fatal",
  stopped: "connecting",
};
