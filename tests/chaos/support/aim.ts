/**
 * Kills a bot at a chosen moment: in a request, or in a tool.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { BotProcess } from "../../../src/cli/demo/simulation/simulation.ts";
import type { Scene } from "../../support/bot/e2e.ts";
import type { Bell } from "./bell.ts";

/** A request to create a message. */
export const CREATE = { method: "POST", route: "/channels/:id/messages" } as const;

/** Milliseconds after which the bot is killed anyway. */
const CAP_MS = 3_600;

type Target = "message" | "ring";

/**
 * Kills a bot as a request to create a message arrives, before Discord carries it out; or as a bell
 * has rung, before the bot gets the result.
 */
export function takeAim(
  { simulator }: Scene,
  bell: Bell,
): (bot: BotProcess, requests: number, target: Target) => Promise<void> {
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
  return async (bot, requests, target) => {
    wanted = target;
    left = requests;
    const { promise: struck, resolve } = Promise.withResolvers<void>();
    hit = () => {
      bot.kill("SIGKILL");
      resolve();
    };
    const cap = new AbortController();
    const capped = sleep(CAP_MS, undefined, { signal: cap.signal }).catch(() => {}); // cancelled
    await Promise.race([struck, bot.exited, capped]);
    hit = undefined;
    cap.abort();
  };
}
