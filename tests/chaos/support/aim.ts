/** Kills a bot at a chosen moment: in a request, or in a tool. */

import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import type { Scene } from "../../support/bot/e2e.ts";
import type { Bell } from "./bell.ts";

export const CREATE = { method: "POST", route: "/channels/:id/messages" } as const;

type Target = "message" | "ring";

/** What to wait for before a kill. */
interface Shot {
  readonly target: Target;
  /** The fatal one, counted from 1. */
  readonly requests: number;
  /** Milliseconds after which the bot is killed anyway. */
  readonly capMs: number;
}

/**
 * Kills a bot as a request to create a message arrives, before Discord carries it out; or as a bell
 * has rung, before the bot gets the result.
 */
export function takeAim(
  { simulator }: Scene,
  bell: Bell,
): (bot: SimulatedProcess, shot: Shot) => Promise<void> {
  let hit: (() => void) | undefined;
  let left = 0;
  let wanted: Target = "message";
  const arrived = (target: Target) => {
    if (target !== wanted) return;
    left -= 1;
    if (left === 0) hit?.();
  };
  simulator.requests.subscribe(({ method, route }) => {
    if (method === CREATE.method && route === CREATE.route) arrived("message");
  });
  bell.subscribe(() => arrived("ring"));
  return async (bot, { target, requests, capMs }) => {
    wanted = target;
    left = requests;
    const { promise: struck, resolve } = Promise.withResolvers<void>();
    hit = () => {
      bot.kill("SIGKILL");
      resolve();
    };
    const cap = new AbortController();
    const capped = sleep(capMs, undefined, { signal: cap.signal }).catch(() => {}); // cancelled
    await Promise.race([struck, bot.exited, capped]);
    hit = undefined;
    cap.abort();
  };
}
