/**
 * The buttons that make it hard for the bot.
 *
 * @module
 */

import type { Control } from "../../../simulator/page/backstage.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { Keeper } from "./keeper.ts";

/** Seconds that a 429 of the demo asks for. */
const RETRY_AFTER_SEC = 3;

/** Milliseconds between heartbeats that the demo's Discord asks for: a dead link shows soon. */
export const HEARTBEAT_MS = 5_000;

export interface Faults {
  controls(): readonly Control[];
  /** @returns `false` if none of them has that id. */
  press(id: string): boolean;
  /** Switches off what has had its effect. */
  settle(): void;
}

export function createFaults(
  simulator: Simulator,
  { keeper, tell }: { readonly keeper: Keeper; readonly tell: (text: string) => void },
): Faults {
  const { gateway, rest } = simulator.faults;
  let limit: { hits(): number; remove(): void } | undefined;

  const presses: Readonly<Record<string, () => void>> = {
    op7() {
      tell("Discord asks the bot to reconnect (op 7)");
      gateway.askReconnect();
    },
    op9() {
      tell("Discord forgets the session (op 9): what is said until the next one is not told");
      gateway.invalidate(false);
    },
    acks() {
      gateway.swallowAcks = !gateway.swallowAcks;
      tell(`Discord acknowledges ${gateway.swallowAcks ? "no" : "all"} heartbeats`);
    },
    limit() {
      if (limit) return;
      tell(`Discord will answer the next message with 429: wait ${RETRY_AFTER_SEC} s`);
      limit = rest.add({
        method: "POST",
        route: "/channels/:id/messages",
        times: 1,
        fault: { kind: "rate_limit", retryAfterSec: RETRY_AFTER_SEC, scope: "user" },
      });
    },
    kill: () => keeper.kill(),
  };

  return {
    controls: () => [
      control("op7", "Reconnect (op 7)", "Discord sends the bot away; it resumes."),
      control(
        "op9",
        "Forget the session (op 9)",
        "The bot begins another one within 10 s, and reads what was said meanwhile.",
      ),
      control(
        "acks",
        "Swallow heartbeat ACKs",
        `The link looks dead; within ${2 * HEARTBEAT_MS / 1_000} s it is left and resumed.`,
        gateway.swallowAcks,
      ),
      control(
        "limit",
        "429 for the next message",
        `Discord says: not for ${RETRY_AFTER_SEC} s. The bot waits exactly that.`,
        limit !== undefined,
      ),
      control("kill", "kill -9", "No good-bye, nothing flushed. Write to it while it is gone."),
    ],
    press(id) {
      const press = Object.hasOwn(presses, id) ? presses[id] : undefined;
      press?.();
      return press !== undefined;
    },
    settle() {
      if (gateway.swallowAcks && simulator.connected() === 0) gateway.swallowAcks = false;
      if (limit && limit.hits() > 0) {
        limit.remove();
        limit = undefined;
      }
    },
  };
}

function control(id: string, label: string, hint: string, isOn = false): Control {
  return { id, group: "fault", label, hint, isOn };
}
