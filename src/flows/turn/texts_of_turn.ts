/**
 * The texts of the messages that one turn answers: each message as the model reads it (H3, S5).
 *
 * @module
 */

import type { Entry } from "../../core/inbound/transcript.ts";
import { type Claim, messagesOf } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import { joinedBy, type Step } from "../../core/step.ts";

/** The texts of a turn. */
export interface TurnTexts {
  /** Ids of the messages that the turn began with. */
  readonly begunWith: readonly MessageId[];
  /** Their text, for the request. */
  first(): string;
  /** The same as entries of the transcript, one for each message. */
  entries(at: number): readonly Entry[];
  /** Text of a message that joined later; `undefined` if it is no part of the turn any more. */
  of(messageId: MessageId): string | undefined;
  /** All texts by people. */
  all(): readonly string[];
}

/**
 * Creates the texts of a turn.
 *
 * @param claimNow The claim with the messages that have joined so far.
 * @param steps Steps that an earlier process has stored: messages that joined by them are not first.
 * @param render The text of a message; the first one has the context of the channel.
 */
export function createTurnTexts(
  claimNow: () => Claim,
  steps: readonly Step[],
  render: (message: InboundMessage, isFirst: boolean) => string,
): TurnTexts {
  const begun = claimNow();
  const joined = joinedBy(steps);
  const initial = messagesOf(begun).filter(({ id }) => id === begun.message.id || !joined.has(id));
  const rendered = new Map<MessageId, string>();

  function textOf(message: InboundMessage): string {
    const known = rendered.get(message.id);
    if (known !== undefined) return known;
    const text = render(message, message.id === begun.message.id);
    rendered.set(message.id, text);
    return text;
  }

  const first = () => initial.map(textOf).join("\n\n");
  return {
    begunWith: initial.map(({ id }) => id),
    first,
    entries: (at) =>
      initial.map((message) => ({
        role: "user",
        text: textOf(message),
        messageId: message.id,
        at,
      })),
    of(messageId) {
      const message = messagesOf(claimNow()).find(({ id }) => id === messageId);
      return message && textOf(message);
    },
    all: () => messagesOf(claimNow()).map(textOf),
  };
}
