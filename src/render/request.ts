/**
 * What a model is asked in one turn.
 *
 * @module
 */

import type { ModelRequest } from "../core/model.ts";
import type { Entry } from "../core/transcript.ts";

export interface RequestParts {
  /** From `systemPromptOf`. */
  readonly system: string;
  /** What the session remembers and has room, oldest first. */
  readonly history: readonly Entry[];
  /** From `envelopeOf`; the transcript's user entry is the same text. */
  readonly envelope: string;
}

/** Joins the parts; nothing is added to any of them. */
export function composeRequest({ system, history, envelope }: RequestParts): ModelRequest {
  return {
    system,
    messages: [
      ...history.map(({ role, text }) => ({ role, text })),
      { role: "user", text: envelope },
    ],
  };
}
