/**
 * Parks a turn whose calls wait for people (A1, T10).
 *
 * @module
 */

import type { AskPorts } from "../../agent/ask_first.ts";
import type { ToolboxPorts } from "../../agent/toolbox.ts";
import type { ParkedTurn, StepsTaken } from "../../core/turn/turn_outcome.ts";
import type { Claim } from "../../core/inbound/inbox.ts";
import type { Charge } from "../../core/spending/usage.ts";
import type { AskedCall } from "../../core/people/question.ts";
import { saveSteps, type SaveTurnPorts } from "./save_turn.ts";
import type { TurnSpending } from "./spending/turn_spending.ts";

/** People for whose decisions calls of a turn wait. */
export interface TurnPeople extends AskPorts, Pick<ToolboxPorts, "escalate"> {
  /** TS. Stores that the turn waits for answers; its claim ends. */
  readonly park: (turn: {
    readonly claim: Claim;
    readonly taken: StepsTaken;
    readonly charges: readonly Charge[];
    readonly asked: readonly AskedCall[];
  }) => Promise<void>;
}

/**
 * Parks a turn, however long the disk takes.
 *
 * @throws {unknown} The store's error, as `saveSteps` does.
 */
export async function parkTurn(
  claim: Claim,
  { asked, taken }: ParkedTurn,
  spending: TurnSpending,
  ports: Pick<SaveTurnPorts, "isStoreDown" | "schedule" | "stopping" | "log"> & {
    readonly people?: TurnPeople;
  },
): Promise<void> {
  const { people, log } = ports;
  if (!people) return;
  const charges = spending.unsaved("answer");
  const park = () => people.park({ claim, taken, charges, asked });
  await saveSteps(park, claim.message.id, ports);
  spending.saved();
  log.info("A turn waits for a person", {
    messageId: claim.message.id,
    tools: asked.map(({ question: { tool } }) => tool),
  });
}
