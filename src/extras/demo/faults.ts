/** The page's buttons that cause faults for the bot. */

import type { Control } from "../../../simulator/page/bot_panel.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { DemoSupervisor } from "./supervisor.ts";

/** Seconds that the demo's 429 response asks the bot to wait. */
const RETRY_AFTER_SEC = 3;

/** Milliseconds between heartbeats: short, so that the bot notices a dead connection soon. */
export const HEARTBEAT_MS = 5_000;

export function createFaults(
  simulator: Simulator,
  { supervisor, tell }: {
    readonly supervisor: DemoSupervisor;
    readonly tell: (text: string) => void;
  },
) {
  const { gateway, rest } = simulator.faults;
  let limit: { hits(): number; remove(): void } | undefined;

  const presses: Readonly<Record<string, () => void>> = {
    op7() {
      tell("Discord asks the bot to reconnect (op 7)");
      gateway.askReconnect();
    },
    op9() {
      tell("Discord ends the session (op 9) and sends no events until the bot opens a new one");
      gateway.invalidate(false);
    },
    acks() {
      gateway.swallowAcks = !gateway.swallowAcks;
      tell(`Discord answers ${gateway.swallowAcks ? "no" : "all"} heartbeats`);
    },
    limit() {
      if (limit) return;
      tell(`Discord will refuse the bot's next message for ${RETRY_AFTER_SEC} s (429)`);
      limit = rest.add({
        method: "POST",
        route: "/channels/:id/messages",
        times: 1,
        fault: { kind: "rate_limit", retryAfterSec: RETRY_AFTER_SEC, scope: "user" },
      });
    },
    kill: () => supervisor.kill(),
  };

  return {
    /** The buttons, with their current state. */
    controls: (): readonly Control[] => [
      control(
        "op7",
        "Ask for a reconnect",
        "Discord does so when it moves its servers. The bot continues its session.",
      ),
      control(
        "op9",
        "End the session",
        "The bot opens a new one within 10 s, and reads the missed messages.",
      ),
      control(
        "acks",
        "Stop answering it",
        `The connection looks dead: the bot connects again within ${2 * HEARTBEAT_MS / 1_000} s.`,
        gateway.swallowAcks,
      ),
      control(
        "limit",
        "Limit its messages",
        `Discord refuses the next one for ${RETRY_AFTER_SEC} s. The bot waits exactly that long.`,
        limit !== undefined,
      ),
      control(
        "kill",
        "Kill the bot",
        "It ends at once, as in a crash. Write to the bot while it is down.",
      ),
    ],
    /** Presses a button. Returns `false` if no button has that id. */
    press(id: string): boolean {
      const press = Object.hasOwn(presses, id) ? presses[id] : undefined;
      press?.();
      return press !== undefined;
    },
    /** Ends faults that have had their effect. */
    settle(): void {
      if (gateway.swallowAcks && simulator.connected() === 0) gateway.swallowAcks = false;
      if (limit && limit.hits() > 0) {
        limit.remove();
        limit = undefined;
      }
    },
  };
}

export type Faults = ReturnType<typeof createFaults>;

function control(id: string, label: string, hint: string, isOn = false): Control {
  return { id, group: "fault", label, hint, isOn };
}
