/**
 * Composes the request to a model for one turn.
 *
 * @module
 */

import type { ModelMessage, ModelRequest } from "../../core/model.ts";
import type { Entry } from "../../core/inbound/transcript.ts";

/** The parts of a request. */
export interface RequestParts {
  /** System prompt, from `systemPromptOf`. */
  readonly system: string;
  /** Entries of the session that fit into the context window, oldest first. */
  readonly history: readonly Entry[];
  /** Text of the turn, from `envelopeOf`; the transcript's user entry is the same text. */
  readonly envelope: string;
}

/** Joins the parts without changing them. */
export function composeRequest({ system, history, envelope }: RequestParts): ModelRequest {
  return {
    system,
    messages: [
      ...history.map(messageOf),
      { role: "user", text: envelope },
    ],
  };
}

/**
 * Messages by entry. An entry is the same object in each turn, so a provider can cache its own form
 * of the message.
 */
const messages = new WeakMap<Entry, ModelMessage>();

function messageOf(entry: Entry): ModelMessage {
  const known = messages.get(entry);
  if (known) return known;
  const { messageId: _, at: __, ...message } = entry;
  messages.set(entry, message);
  return message;
}
