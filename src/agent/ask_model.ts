/**
 * Asks the model once: composes the request of a step within the room that the history leaves, and
 * reads the answer.
 */

import {
  type Model,
  ModelError,
  type ModelRequest,
  type ModelUsage,
  type ReplacedModel,
  type ToolCall,
} from "../core/model.ts";
import { withoutTools } from "../core/fit_request.ts";
import { BudgetSpent, type BudgetStop } from "../core/spending/budget.ts";
import type { Step } from "../core/step.ts";
import type { Clock } from "../lib/clock.ts";
import {
  charsOf,
  conversationOf,
  MAX_CALLS,
  type ShowImages,
  type ShowJoined,
  stepsWithin,
} from "./next_step.ts";
import type { Toolbox } from "./toolbox.ts";

/** Everything that one request needs from outside. */
export interface AskModelPorts extends Clock {
  readonly model: Model;
  /** Removes the config's secrets from answers that call tools, before they are stored (SEC-R9). */
  readonly cleanSecrets: (text: string) => string;
  /** Finds a spent budget, before each request; absent, or `undefined`: there is none. */
  readonly checkBudget?: () => Promise<BudgetStop | undefined> | undefined;
  /** Gets the tokens of each request, with the model that answered. Must not throw. */
  readonly onUsage?: (
    request: ModelRequest,
    usage: ModelUsage,
    modelId: string,
    startedAt: number,
  ) => void;
  /** Gets the whole answer so far, each time that it grows. Must not throw. */
  readonly onText?: (soFar: string) => void;
  /** Whether a person has seen text of the answer; absent: none sees it before its end. */
  readonly isShown?: () => boolean;
  /** As a request's; absent: no person learns of it. */
  readonly onReading?: ModelRequest["onReading"];
  /**
   * Ends the turn: others abort it if the process stops, or if a message has changed or taken the
   * turn's place. The turn itself aborts it if its time is over.
   */
  readonly ending: AbortController;
}

/** One answer. `calls` is absent if it ends the turn. */
export interface ModelResponse {
  readonly text: string;
  /** The tools that it calls: {@link MAX_CALLS}, and the first one that is too many. */
  readonly calls?: readonly ToolCall[];
  /** As its message has it; absent also if it has a secret, because a changed one is of no use. */
  readonly carried?: string;
  /** The model's thinking, if the request asks for it and the server sends it. */
  readonly thinking?: string;
  /** Tokens of the request and the answer. */
  readonly usage?: ModelUsage;
  /** Whether it reached the model's maximum of output tokens, or broke off; absent: it is whole. */
  readonly isCut?: true;
  /** The model that answered, if it is a fallback. */
  readonly modelId?: string;
  /** Why the first model gave no answer, if a fallback did. */
  readonly failure?: ModelError;
  /** The same for the record, with its time. */
  readonly replaced?: ReplacedModel;
}

/**
 * Asks the model and reads its answer. One without a last part, or without text and calls, is a
 * failure (L3).
 *
 * @throws {BudgetSpent} Before anything is asked, if a budget is spent.
 */
export async function readAnswer(
  request: ModelRequest,
  ports: AskModelPorts,
): Promise<ModelResponse> {
  const { model, onText, isShown, onReading, cleanSecrets, onUsage, now } = ports;
  const checking = ports.checkBudget?.();
  const stop = checking && await checking; // most turns have no budget, and wait for nothing
  if (stop) throw new BudgetSpent(stop);
  const startedAt = now();
  let text = "";
  let thinking = "";
  const asked = isShown || onReading ? { ...request, isShown, onReading } : request;
  for await (const part of model.generate(asked, ports.ending.signal)) {
    if (part.kind === "again") {
      text = thinking = "";
      onText?.(text);
      continue;
    }
    if (part.kind === "text") {
      text += part.text;
      onText?.(text);
      continue;
    }
    if (part.kind === "thinking") {
      thinking += part.text;
      continue;
    }
    const { calls, carried, usage, modelId, failure, replaced } = part;
    if (usage) onUsage?.(request, usage, modelId ?? model.id, startedAt);
    const about = {
      thinking: thinking !== "" ? cleanSecrets(thinking) : undefined,
      carried: carried !== undefined && cleanSecrets(carried) === carried ? carried : undefined,
      usage,
      modelId,
      failure,
      replaced,
    };
    if (calls && request.tools && request.mayCall !== false) {
      const clean = calls.slice(0, MAX_CALLS + 1).map((call) => ({
        ...call,
        arguments: cleanSecrets(call.arguments),
      }));
      return { text: cleanSecrets(text), calls: clean, ...about };
    }
    if (text.trim() === "") throw notAnAnswer(model, `empty (${part.reason})`);
    const isCut = part.reason === "length" || part.reason === "other";
    return { text, ...about, isCut: isCut ? true : undefined };
  }
  throw notAnAnswer(model, "it ended early");
}

function notAnAnswer({ id: modelId }: Model, why: string): ModelError {
  return new ModelError(`${modelId} gave no answer: ${why}`, { kind: "not_an_answer", modelId });
}

/**
 * Asks again for words, after an answer without any. The tools have done their work, and the person
 * must learn of it.
 */
export function forWords(request: ModelRequest): ModelRequest {
  const messages = [...request.messages, { role: "user", text: WORDS } as const];
  return request.tools ? { ...request, messages, mayCall: false } : { ...request, messages };
}

const WORDS =
  "[Your last answer had no text, and people read nothing else of you. Write now, in a " +
  "few words, what you did and found. Call no tool.]";

/** The request of a step, before the steps are added to it. */
export interface RequestRoom {
  /** The request without the steps: less history, the more room the steps need. */
  readonly request: ModelRequest;
  /** UTF-16 units that the steps may take in it. */
  readonly stepChars: number;
}

/**
 * Gives the request of the next step.
 *
 * @param stepChars UTF-16 units of all steps so far, results shortened; 0 before the first.
 */
export type RequestFor = (stepChars: number) => RequestRoom;

/** The request of the next step. The last one may call nothing, so that it answers. */
export function withSteps(
  requestFor: RequestFor,
  steps: readonly Step[],
  isLast: boolean,
  { toolbox: { definitions: tools }, showJoined, showImages }: {
    readonly toolbox: Toolbox;
    readonly showJoined?: ShowJoined;
    readonly showImages?: ShowImages;
  },
): ModelRequest {
  let all: ModelRequest;
  if (steps.length === 0) all = requestFor(0).request;
  else {
    const whole = conversationOf(steps, Infinity, showJoined);
    const { request, stepChars } = requestFor(charsOf(whole));
    const shown = stepsWithin(steps, stepChars, showJoined, showImages);
    all = { ...request, messages: [...request.messages, ...shown] };
  }
  // Without tools, the calls of other turns go, too: their senders may have had tools.
  if (tools.length === 0) return withoutTools(all);
  return { ...all, tools, mayCall: isLast ? false : undefined };
}
