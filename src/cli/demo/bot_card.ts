/**
 * Draws the card that the page shows of the bot: its state, its figures and its controls.
 *
 * @module
 */

import type { BotCard } from "../../../simulator/page/backstage.ts";
import type { OfferedModel } from "./models.ts";

/** Facts about the bot at one moment. */
export interface BotFacts {
  /** Its process; `undefined` if there is none. */
  readonly pid: number | undefined;
  /** Whether it has a connection to the simulated Discord. */
  readonly isConnected: boolean;
  /** The gateway calls that Discord has counted. */
  readonly calls: { readonly identifies: ArrayLike<unknown>; readonly resumes: ArrayLike<unknown> };
  /** What it says of itself; shown while it runs. */
  readonly figures: BotCard["figures"];
  readonly models: readonly OfferedModel[];
  /** The model that it answers with. */
  readonly modelId: string;
  readonly faults: BotCard["controls"];
}

const HEADLINES = {
  online: "Online",
  away: "On its way to Discord",
  offline: "Not running",
} as const;

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
      { name: "IDENTIFY, RESUME", value: `${identifies.length}, ${resumes.length}` },
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
    ],
  };
}
