/**
 * Composes the request to a model for one turn.
 *
 * @module
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { ModelImage, ModelMessage, ModelRequest } from "../../core/model.ts";
import type { Entry } from "../../core/inbound/transcript.ts";

/** The parts of a request. */
export interface RequestParts {
  /** System prompt, from `systemPromptOf`. */
  readonly system: string;
  /** Entries of the session that fit into the context window, oldest first. */
  readonly history: readonly Entry[];
  /** Summary of earlier entries, from `shownSummary`; absent if there is none. */
  readonly summary?: string;
  /** Text of the turn, from `envelopeOf`; the transcript's user entry is the same text. */
  readonly envelope: string;
  /** Images of the turn's message, in the order in which the envelope numbers them; absent: none. */
  readonly images?: readonly ModelImage[];
  /** Images of earlier messages; absent: none. */
  readonly earlierImages?: ReadonlyMap<MessageId, readonly ModelImage[]>;
}

/**
 * Joins the parts without changing them. Entries are messages themselves: the same object in each
 * turn, so a provider can cache its own form of it. The summary becomes a part of the first message, because
 * some servers refuse two messages of the user in a row.
 */
export function composeRequest(
  { system, history, summary, envelope, images = [], earlierImages }: RequestParts,
): ModelRequest {
  const messages: ModelMessage[] = [
    ...history.map((entry) => {
      const shown = entry.role === "user" ? earlierImages?.get(entry.messageId) : undefined;
      return shown ? { role: "user" as const, text: entry.text, images: shown } : entry;
    }),
    { role: "user", text: envelope, images: images.length > 0 ? images : undefined },
  ];
  const [first] = messages;
  if (summary !== undefined && first) messages[0] = withSummary(first, summary);
  return { system, messages };
}

/** Messages with a summary, by the message without it: the same object for the same summary. */
const summarised = new WeakMap<ModelMessage, ModelMessage>();

function withSummary(message: ModelMessage, summary: string): ModelMessage {
  const text = `${summary}\n${message.text}`;
  const known = summarised.get(message);
  if (known?.text === text) return known;
  const whole = { ...message, text };
  summarised.set(message, whole);
  return whole;
}
