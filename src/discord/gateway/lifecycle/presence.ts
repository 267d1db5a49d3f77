/**
 * Sends the presence of a shard (op 3), within Discord's limit.
 *
 * Updates above the limit are not lost: the newest presence is sent once the limit allows it. A lost
 * connection may swallow an update, so an update without a later acknowledged heartbeat is repeated.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway-events#update-presence}
 * @module
 */

import { type LifecycleState, PRESENCE_LIMIT, presenceAtMs } from "./state.ts";
import type { Step } from "./step.ts";

/** Sends the presence if it must be sent, and may be. */
export function sendPresence(state: LifecycleState, nowMs: number): Step {
  if (nowMs < presenceAtMs(state)) return { state, effects: [] };
  const presenceSentMs = [...state.presenceSentMs, nowMs].slice(-PRESENCE_LIMIT.max);
  return {
    state: { ...state, mustSendPresence: false, presenceSentMs },
    effects: [{ kind: "send_presence" }],
  };
}

/** Whether Discord may not have got the last update: no later heartbeat was acknowledged. */
export function isPresenceUnconfirmed({ presenceSentMs, confirmedMs }: LifecycleState): boolean {
  const last = presenceSentMs.at(-1);
  return last !== undefined && (confirmedMs === undefined || confirmedMs < last);
}
