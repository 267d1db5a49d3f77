/**
 * What a model is asked in one turn.
 *
 * @module
 */

import type { ModelMessage, ModelRequest } from "../../core/model.ts";
import type { Entry } from "../../core/inbound/transcript.ts";

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
      ...history.map(messageOf),
      { role: "user", text: envelope },
    ],
  };
}

/** An entry is the same message turn after turn, so what a provider makes of it can be kept. */
const messages = new WeakMap<Entry, ModelMessage>();

function messageOf(entry: Entry): ModelMessage {
  const known = messages.get(entry);
  if (known) return known;
  const { role, text } = entry;
  const message = { role, text };
  messages.set(entry, message);
  return message;
}
