/**
 * Writes the cost of a turn so far, for the people who decide about its next call (A1, T11).
 *
 * It is the sum over the stored steps, so it is the same after a restart.
 *
 * @module
 */

import type { ModelUsage } from "../../core/model.ts";
import type { CardFact } from "../../core/people/question.ts";
import type { Step } from "../../core/step.ts";
import { moneyText } from "../footer.ts";

/** The fact for a card; `undefined` if no server has told its tokens. */
export function costFactOf(steps: readonly Step[]): CardFact | undefined {
  const known = steps.flatMap((step) => step.kind === "answer" && step.usage ? [step.usage] : []);
  if (known.length === 0) return undefined;
  const sum = (of: (usage: ModelUsage) => number) => known.reduce((all, one) => all + of(one), 0);
  const isPriced = known.every(({ micros }) => micros !== undefined);
  const micros = isPriced ? sum(({ micros = 0 }) => micros) : 0;
  const about = known.some(({ isEstimate }) => isEstimate) ? "about " : "";
  const tokens = `${about}${sum(({ inputTokens }) => inputTokens)} + ${
    sum(({ outputTokens }) => outputTokens)
  } tokens`;
  return { name: "Cost so far", value: micros === 0 ? tokens : `${tokens} · ${moneyText(micros)}` };
}
