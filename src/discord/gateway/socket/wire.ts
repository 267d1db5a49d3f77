/** Builds the gateway's URL, the payloads that a shard sends, and its state for health checks. */

import process from "node:process";
import { ActivityTypes } from "@discordeno/types";
import type { LifecycleState, Phase } from "../lifecycle/state.ts";
import type { Activity, ActivityKind, Presence } from "../../../core/discord/presence.ts";
import type { OwnVoice } from "../../../core/discord/voice.ts";
import type { CommonOptions } from "../link/protocol.ts";
import type { ShardState } from "../../../core/discord/gateway.ts";

/**
 * Adds the API version, the encoding and the compression to the gateway's address.
 *
 * @throws {TypeError} If the address is no URL.
 */
export function gatewayUrl(address: string, compress: boolean): URL {
  const url = new URL(address);
  url.searchParams.set("v", "10");
  url.searchParams.set("encoding", "json");
  if (compress) url.searchParams.set("compress", "zlib-stream");
  return url;
}

/** Builds the `d` of an IDENTIFY. */
export function identifyPayload(
  { token, intents, presence, shardCount }: CommonOptions,
  shardId: number,
): unknown {
  return {
    token,
    intents,
    shard: [shardId, shardCount],
    presence: presencePayload(presence),
    properties: { os: process.platform, browser: "Barnacle", device: "Barnacle" },
    large_threshold: 50,
  };
}

/** Builds the `d` of a RESUME. */
export function resumePayload(token: string, sessionId: string, seq: number): unknown {
  return { token, session_id: sessionId, seq };
}

/** Builds the `d` of a presence update (op 3), which is also the `presence` of an IDENTIFY. */
export function presencePayload({ status, activity }: Presence): unknown {
  return {
    since: null,
    activities: activity ? [activityPayload(activity)] : [],
    status,
    afk: false,
  };
}

/** Builds the `d` of a voice state update (op 4). */
export function voicePayload({ guildId, channelId }: OwnVoice): unknown {
  return { guild_id: guildId, channel_id: channelId ?? null, self_mute: false, self_deaf: false };
}

/** Discord shows the `state` of a custom status, and the `name` of other activities. */
function activityPayload({ type, name, url }: Activity): unknown {
  return type === "custom"
    ? { name: "Custom Status", type: ACTIVITY_TYPES.custom, state: name }
    : { name, type: ACTIVITY_TYPES[type], url };
}

const ACTIVITY_TYPES: Readonly<Record<ActivityKind, ActivityTypes>> = {
  playing: ActivityTypes.Playing,
  streaming: ActivityTypes.Streaming,
  listening: ActivityTypes.Listening,
  watching: ActivityTypes.Watching,
  custom: ActivityTypes.Custom,
  competing: ActivityTypes.Competing,
};

/** Derives the state that health checks show. */
export function toShardState({ phase, readyAt, ack, isDown }: LifecycleState): ShardState {
  const waits = phase.kind === "waiting" ? phase.waitReason : undefined;
  return { state: STATES[phase.kind], readyAt, ack, isDown, waits };
}

const STATES: Readonly<Record<Phase["kind"], ShardState["state"]>> = {
  waiting: "backoff",
  connecting: "connecting",
  greeting: "connecting",
  permitting: "identifying",
  identifying: "identifying",
  resuming: "resuming",
  ready: "ready",
  closing: "ready",
  final: "fatal",
  stopped: "connecting",
};
