/**
 * Makes the page's card of the bot: state, figures and controls.
 *
 * @module
 */

import type { BotCard, Control } from "../../../simulator/page/bot_panel.ts";
import type { OfferedModel } from "./models.ts";

/** Facts about the bot at one moment. */
export interface BotFacts {
  /** Process id; `undefined` if none runs. */
  readonly pid: number | undefined;
  /** Whether it is connected to the simulated Discord. */
  readonly isConnected: boolean;
  /** Gateway calls that the simulated Discord has counted. */
  readonly calls: { readonly identifies: ArrayLike<unknown>; readonly resumes: ArrayLike<unknown> };
  /** Figures from its own status; shown while it runs. */
  readonly figures: BotCard["figures"];
  /** Models to choose from. */
  readonly models: readonly OfferedModel[];
  /** Id of its model. */
  readonly modelId: string;
  /** Buttons that cause faults. */
  readonly faults: BotCard["controls"];
}

/** The button that forgets everything. */
export const RESET: Control = {
  id: "reset",
  group: "demo",
  label: "Start over",
  hint: "Deletes all messages and the bot's data, and starts a new bot.",
  isOn: false,
};

const HEADLINES = {
  online: "Online",
  away: "Connecting",
  offline: "Not running",
} as const;

/** Makes the card. */
export function drawBotCard(facts: BotFacts): BotCard {
  const { pid, isConnected, calls: { identifies, resumes }, figures, models, modelId } = facts;
  const isRunning = pid !== undefined;
  const state = !isRunning ? "offline" : isConnected ? "online" : "away";
  return {
    state,
    headline: HEADLINES[state],
    figures: [
      { name: "Process", value: isRunning ? `pid ${pid}` : "none" },
      ...(isRunning ? figures : []),
      { name: "Sessions begun", value: String(identifies.length) },
      { name: "Sessions continued", value: String(resumes.length) },
    ],
    controls: [
      ...models.map(({ id, label, hint }) => ({
        id: `model:${id}`,
        group: "model" as const,
        label,
        hint,
        isOn: id === modelId,
      })),
      ...facts.faults,
      RESET,
    ],
  };
}
