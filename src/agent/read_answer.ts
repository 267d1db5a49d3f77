/**
 * Reads one answer of a model.
 *
 * @module
 */

import { MAX_CALLS } from "./next_step.ts";
import {
  type Model,
  ModelError,
  type ModelRequest,
  type ModelUsage,
  type ToolCall,
} from "../core/model.ts";

/** What reading an answer needs from outside. */
export interface AnswerPorts {
  /** Answers the request. */
  readonly model: Model;
  /** Removes the config's secrets from answers that call tools, before they are stored (SEC-R9). */
  readonly cleanSecrets: (text: string) => string;
  /** Gets the whole answer so far, each time that it grows. Must not throw. */
  readonly onText?: (soFar: string) => void;
}

/** One answer. `calls` is absent if it ends the turn. */
export interface Answer {
  /** Its text. */
  readonly text: string;
  /** The tools that it calls: {@link MAX_CALLS}, and the first one that is too many. */
  readonly calls?: readonly ToolCall[];
  /** The model's thinking, if the request asks for it and the server sends it. */
  readonly thinking?: string;
  /** Tokens of the request and the answer. */
  readonly usage?: ModelUsage;
  /** The model that answered, if it is a fallback. */
  readonly modelId?: string;
  /** Why the first model gave no answer, if a fallback did. */
  readonly failure?: ModelError;
}

/** Reads an answer. One without a last part, or without text and calls, is a failure (L3). */
export async function readAnswer(
  request: ModelRequest,
  signal: AbortSignal,
  { model, onText, cleanSecrets }: AnswerPorts,
): Promise<Answer> {
  let text = "";
  let thinking = "";
  for await (const part of model.generate(request, signal)) {
    if (part.kind === "text") {
      text += part.text;
      onText?.(text);
      continue;
    }
    if (part.kind === "thinking") {
      thinking += part.text;
      continue;
    }
    const { calls, usage, modelId, failure } = part;
    const about = {
      ...(thinking !== "" && { thinking: cleanSecrets(thinking) }),
      ...(usage && { usage }),
      ...(modelId !== undefined && { modelId }),
      ...(failure && { failure }),
    };
    if (calls && request.tools && request.mayCall !== false) {
      const clean = calls.slice(0, MAX_CALLS + 1).map(({ signature, ...call }) => ({
        ...call,
        arguments: cleanSecrets(call.arguments),
        // A signature proves its text, so a text with a secret goes as a whole.
        ...(signature !== undefined && cleanSecrets(signature) === signature && { signature }),
      }));
      return { text: cleanSecrets(text), calls: clean, ...about };
    }
    if (text.trim() === "") throw notAnAnswer(model, `empty (${part.reason})`);
    return { text, ...about };
  }
  throw notAnAnswer(model, "it ended early");
}

function notAnAnswer({ id: modelId }: Model, why: string): ModelError {
  return new ModelError(`${modelId} gave no answer: ${why}`, { kind: "not_an_answer", modelId });
}
