/**
 * Gathers the page's data about the bot: verdicts from its store, its messages from the simulated
 * Discord, and whether it runs.
 */

import type { BotPanel, BotPanelNews, BotState } from "../../../simulator/page/bot_panel.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { createOutcomes, VerdictReader } from "./simulation/outcomes.ts";
import type { DemoSupervisor } from "./supervisor.ts";

/** Milliseconds between two reads of the store and the connection. */
const LOOK_MS = 250;

/**
 * Creates the page's data about a running bot.
 *
 * @param onError Called with an error of the demo itself.
 */
export function createBotPanel(
  { simulator, supervisor, verdicts, outcomes, onError }: {
    readonly simulator: Simulator;
    readonly supervisor: DemoSupervisor;
    readonly verdicts: VerdictReader;
    readonly outcomes: ReturnType<typeof createOutcomes>;
    readonly onError: (error: unknown) => void;
  },
): BotPanel & { readonly close: () => Promise<void> } {
  const listeners = new Set<(news: BotPanelNews) => void>();
  let state = stateNow();
  let isClosed = false;

  const tell = (news: BotPanelNews) => {
    for (const listener of listeners) listener(news);
  };

  const stopWorld = simulator.subscribe((event) => {
    if (event.kind !== "message_created") return;
    const { author } = event.message;
    if (author.kind !== "user" || author.userId !== simulator.application.userId) return;
    const judged = outcomes.posted(event.message);
    if (judged) tell({ kind: "judged", judged });
  });

  function stateNow(): BotState {
    if (supervisor.pid() === undefined) return "offline";
    return simulator.connected() > 0 ? "online" : "away";
  }

  async function look(): Promise<void> {
    for (const decision of await verdicts.next()) {
      tell({ kind: "judged", judged: outcomes.decided(decision) });
    }
    const next = stateNow();
    if (next === state) return;
    state = next;
    tell({ kind: "bot", bot: state });
  }

  let timer: ReturnType<typeof setTimeout> | undefined;
  let looking = Promise.resolve();
  function lookSoon(): void {
    if (isClosed) return;
    timer = setTimeout(() => {
      looking = look().catch(onError).finally(lookSoon);
    }, LOOK_MS);
  }
  lookSoon();

  return {
    bot: () => state,
    judged: () => outcomes.all(),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    kill: () => supervisor.kill(),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      stopWorld();
      await looking;
      verdicts.close();
    },
  };
}
