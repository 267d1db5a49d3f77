/**
 * Decides whether an agent may ask another one, or pass its turn on (N4), and sorts the steps of a
 * turn by the agents that took them.
 *
 * All agents of a turn share its journal. So a turn that a crash has cut goes on in each of them, and
 * no model is asked again for an answer that the store has.
 */

import { quoted } from "../../lib/text/quoted.ts";
import { RefusedCall } from "../refused_call.ts";
import type {
  AskedStep,
  CheckedStep,
  EditedStep,
  HeldStep,
  PassedStep,
  Step,
  ToldStep,
} from "../step.ts";

export interface ListedAgent {
  readonly id: string;
  /** Absent: the id stands for it. */
  readonly name?: string;
  /** Its job in one sentence, for other agents; absent: the name tells it. */
  readonly description?: string;
}

/** Maximum number of agents that a question or a turn passes, beside the first one. */
export const MAX_DEPTH = 3;
/** Maximum number of helpers in one turn. */
export const MAX_HELPERS = 4;
/** Maximum number of questions to agents in one turn, helpers among them. */
export const MAX_QUESTIONS = 12;

/**
 * Decides whether an agent may ask another one, or pass its turn on to it.
 *
 * @param chain Ids of the agents from the turn's first one to the one that asks.
 * @param agents All agents of the config.
 * @returns The agent.
 * @throws {RefusedCall} If it may not; the message tells the model why.
 */
export function agentToAsk(
  to: string,
  chain: readonly string[],
  agents: readonly ListedAgent[],
): ListedAgent {
  const agent = agents.find(({ id }) => id === to);
  if (!agent) {
    const others = agents.map(({ id }) => id).filter((id) => id !== chain.at(-1));
    throw refused(`there is no agent ${quoted(to)}; there are: ${others.join(", ")}`);
  }
  if (to === chain.at(-1)) {
    throw refused(`you are ${to}: do the work yourself, or ask another agent`);
  }
  if (chain.includes(to)) {
    const circle = [...chain.slice(chain.indexOf(to)), to].join(" → ");
    throw refused(`agents must not ask in a circle: ${circle}`);
  }
  if (chain.length > MAX_DEPTH) {
    throw refused(
      `work passes ${MAX_DEPTH} agents at most, and has passed them: ${chain.join(" → ")}. ` +
        "Answer with what you know",
    );
  }
  return agent;
}

/** A question of one agent to another one, with the course of its answer. */
export interface AskedAgent extends AskedStep {
  readonly steps: readonly Step[];
  /** Its answer; absent: it has none yet. */
  readonly told?: ToldStep;
}

/** The steps of a turn by the agents that took them. */
export interface SortedSteps {
  /** Those of the agent that answers now. */
  readonly own: readonly Step[];
  /** Those of the agents that have passed the turn on. */
  readonly earlier: readonly Step[];
  readonly asked: readonly AskedAgent[];
  /** How the turn came to that agent, oldest first; empty: it began with it. */
  readonly passed: readonly PassedStep[];
  /** The last answer that a person checks (A5); absent: none. */
  readonly held?: HeldStep;
  /** Its end; absent: it has none. */
  readonly checked?: CheckedStep;
  /** Set if people may have heard a part of an answer that the steps do not have (V5). */
  readonly isSpoken?: true;
  /** Set if the turn follows an edit of an answered question (H6a). */
  readonly again?: FollowedEdit;
}

export interface FollowedEdit {
  /** The newest one. */
  readonly edit: EditedStep;
  /** All steps before it, of all agents, without what they asked each other. */
  readonly before: readonly Step[];
}

/** The steps of a turn that has taken none. */
export const NO_STEPS: SortedSteps = { own: [], earlier: [], asked: [], passed: [] };

export function sortSteps(all: readonly Step[]): SortedSteps {
  if (all.length === 0) return NO_STEPS; // most turns
  const edit = all.findLast((step) => step.kind === "edited");
  const begins = edit ? all.indexOf(edit) + 1 : 0;
  const steps = edit ? all.slice(begins) : all;
  let own: Step[] = [];
  const earlier: Step[] = [];
  const passed: PassedStep[] = [];
  const asked = new Map<number, AskedAgent>();
  let held: HeldStep | undefined;
  let checked: CheckedStep | undefined;
  let isSpoken: true | undefined;
  for (const step of steps) {
    switch (step.kind) {
      case "asked":
        asked.set(step.number, { ...step, steps: [] });
        break;
      case "inner":
      case "told": {
        const agent = asked.get(step.number);
        if (!agent) break;
        asked.set(
          step.number,
          step.kind === "told"
            ? { ...agent, told: step }
            : { ...agent, steps: [...agent.steps, step.step] },
        );
        break;
      }
      case "passed":
        passed.push(step);
        earlier.push(...own);
        own = [];
        break;
      case "held":
        held = step;
        checked = undefined;
        break;
      case "checked":
        checked = step;
        break;
      case "spoken":
        isSpoken = true;
        break;
      case "answer": // what was said before belongs to it, and the model is not asked for it again
        isSpoken = undefined;
        own.push(step);
        break;
      default:
        own.push(step);
    }
  }
  const sorted = { own, earlier, asked: [...asked.values()], passed, held, checked, isSpoken };
  return edit ? { ...sorted, again: { edit, before: all.slice(0, begins - 1) } } : sorted;
}

/** The steps of all agents of a turn, those of one agent together. */
export function stepsOfAll(
  { own, earlier, asked }: Pick<SortedSteps, "own" | "earlier" | "asked">,
): readonly Step[] {
  if (asked.length + earlier.length === 0) return own;
  return [...earlier, ...own, ...asked.flatMap(({ steps }) => steps)];
}

/** Ids of the agents that a turn has passed, the one that answers now last. */
export function chainOf(passed: readonly PassedStep[], agentId: string): readonly string[] {
  return [...passed.map(({ from }) => from), agentId];
}

/** Refuses one question more than a turn may have. */
export function checkCount(
  asked: readonly Pick<AskedAgent, "isHelper">[],
  more: { readonly count: number; readonly areHelpers: boolean },
): void {
  if (asked.length + more.count > MAX_QUESTIONS) {
    throw refused(`one turn may ask other agents ${MAX_QUESTIONS} times at most`);
  }
  const helpers = asked.filter(({ isHelper }) => isHelper).length;
  if (more.areHelpers && helpers + more.count > MAX_HELPERS) {
    throw refused(`one turn may have ${MAX_HELPERS} helpers, and has begun ${helpers}`);
  }
}

function refused(words: string): RefusedCall {
  return new RefusedCall("agents", words);
}
