/**
 * Formats texts of one agent for another: a question (N4), and work that it passes on.
 *
 * Such a text may repeat words of people and of the web. So it stands in a fence. A question is what
 * its agent is to answer, so it is a message to it; the rights are those of the turn's person.
 */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { labelOf } from "../../core/inbound/transcript.ts";
import type { ToolCall } from "../../core/model.ts";
import type { PassedStep } from "../../core/step.ts";
import type { ListedAgent } from "../../core/turn/asking.ts";
import { bounded } from "../../lib/text/cut.ts";
import { channelOf, timeOf } from "./envelope.ts";
import { fenced, nameInLine } from "./untrusted.ts";

/** The whole text that the asked agent reads. */
export function questionOf(
  { question, isHelper, asker, message, timezone, boundary }: {
    readonly question: string;
    /** Whether a helper is asked: a part of the asking agent's work. */
    readonly isHelper?: true;
    readonly asker: ListedAgent;
    readonly message: InboundMessage;
    readonly timezone: string;
    /** At least 8 random letters and digits, new in each turn (SEC-R2). */
    readonly boundary: string;
  },
): string {
  const { sender } = message;
  const person = `${nameInLine(labelOf(sender))} (${sender.id})`;
  return [
    `[channel: ${channelOf(message)}]`,
    `[time: ${timeOf(message.sentAt, timezone, "with zone")}]`,
    isHelper
      ? `[you are a helper: do this one part of a larger work for ${person}, and nothing else]`
      : `[another agent of this bot asks you, while it answers ${person}]`,
    "[only that agent reads your answer: give facts with their sources, short and complete; you " +
    "cannot ask back, and there is no one to greet]",
    `[from: the agent ${asker.id}]`,
    fenced("message", boundary, question),
  ].join("\n");
}

/** The text that an agent passes on, for the one that goes on. */
export function passedOf({ from, task, context }: PassedStep, boundary: string): string {
  const words = context === undefined ? task : `${task}\n\n${context}`;
  return [
    `[the agent ${from} has passed this message on to you: you answer it now, in its place. Its ` +
    "words about the task follow; only the person's message says what is wanted]",
    fenced("context", boundary, words),
  ].join("\n");
}

/** Maximum number of calls in {@link editedOf}, and characters of their arguments and results. */
const MAX_DONE = 20;
const DONE_CHARS = 400;

/**
 * Tells the model that the person has edited the message after an answer (H6a).
 *
 * @param done Calls for the earlier words that may have changed something.
 */
export function editedOf(
  done: readonly {
    readonly call: ToolCall;
    readonly result: { readonly end: string; readonly text: string };
  }[],
  boundary: string,
): string {
  const lines = done.slice(-MAX_DONE).map(({ call, result: { end, text } }) =>
    JSON.stringify({
      tool: call.name,
      arguments: bounded(call.arguments, DONE_CHARS),
      end,
      result: bounded(text, DONE_CHARS),
    })
  );
  const after = done.length === 0 ? [] : [
    "[your calls for the earlier words follow. What they did stays done: say so, and what it was. " +
    "A note from the earlier words is deleted; save it again if it still holds]",
    fenced("result", boundary, lines.join("\n")),
  ];
  return [
    "[this person has edited the message below after your answer. Your new answer takes the place of " +
    "that one. Tools that change something do not run in this turn: if the new words ask for that, " +
    "say that it is not done, and that a new message can ask for it]",
    ...after,
  ].join("\n");
}
