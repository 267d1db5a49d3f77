/**
 * Plans the steps of a workflow (N4): the calls that a turn makes before its own model is asked.
 *
 * A planned call is a call of `ask_agent` like any other. So its journal, its limits and its crashes
 * are those of all calls, and the model reads the results before it answers.
 */

import type { ToolCall } from "../core/model.ts";
import type { Step } from "../core/step.ts";
import { clip } from "../lib/text/cut.ts";

export interface WorkflowStep {
  readonly agent: string;
  readonly prompt: string;
}

/** Maximum UTF-16 units of the results of earlier steps in a question, together. */
const RESULTS_CHARS = 12_000;
/** Maximum UTF-16 units of the message in a question. */
const REQUEST_CHARS = 4_000;

/** The marks around a result, which are for the model that reads it as one. */
const FENCE = /^<result boundary="\w+">\n|\n<\/result>/g;

/** Beginnings of lines that pass for a heading of the question: neither people nor agents write one. */
const HEADING = /^(?=[^\S\n]*(?:Result of|What the person wrote)\b)/gim;

/**
 * The next planned call.
 *
 * @param steps The agent's steps so far.
 * @param request The words to work on.
 * @returns `undefined` once all steps have run.
 */
export function plannedCall(
  workflow: readonly WorkflowStep[],
  steps: readonly Step[],
  request: string,
): ToolCall | undefined {
  const planned = steps.filter((step) => step.kind === "answer" && step.isPlanned).length;
  const next = workflow[planned];
  if (!next) return undefined;
  const results = steps.flatMap((step) => step.kind === "result" ? [step.text] : [])
    .slice(0, planned);
  const each = Math.floor(RESULTS_CHARS / Math.max(1, results.length));
  const question = [
    next.prompt,
    `What the person wrote:\n${withoutHeadings(request, REQUEST_CHARS)}`,
    ...results.map((text, at) =>
      `Result of ${workflow[at]?.agent ?? "an earlier step"}:\n${
        withoutHeadings(text.replaceAll(FENCE, ""), each)
      }`
    ),
  ].join("\n\n");
  return {
    id: `step_${planned + 1}`,
    name: "ask_agent",
    arguments: JSON.stringify({ agent: next.agent, question }),
  };
}

/** A text that is cut, and in which a heading is a quote. */
function withoutHeadings(text: string, max: number): string {
  return clip(text, max).replace(HEADING, "> ");
}
