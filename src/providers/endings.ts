/**
 * Judges how an answer ended, the same way for every wire format.
 *
 * @module
 */

import { type FinishReason, ModelError } from "../core/model.ts";

/** The words of one answer, without those that nobody could see. */
export interface VisibleText {
  /** @returns The words to pass on: nothing while the answer is white space only. */
  add(text: string): string;
  /** Whether no word was passed on yet. */
  isEmpty(): boolean;
}

/** Holds white space back until a visible character follows. */
export function createVisibleText(): VisibleText {
  let isEmpty = true;
  let blank = "";
  return {
    add(text) {
      if (!isEmpty) return text;
      blank += text;
      isEmpty = blank.trim() === "";
      return isEmpty ? "" : blank;
    },
    isEmpty: () => isEmpty,
  };
}

/**
 * Says why an answer that ended in good order is no answer.
 *
 * @param reason Why the server ended it; `undefined` if the server gave no reason.
 * @param isEmpty Whether it has no visible word.
 * @returns `undefined` if it is an answer.
 */
export function endingFault(
  reason: FinishReason | undefined,
  isEmpty: boolean,
  modelId: string,
): ModelError | undefined {
  const notAnAnswer = (what: string) =>
    new ModelError(`${modelId} ${what}`, { kind: "not_an_answer", modelId });
  if (reason === undefined) return notAnAnswer("ended its answer early");
  if (!isEmpty) return undefined;
  switch (reason) {
    case "tool_calls":
      return undefined;
    case "content_filter":
      return new ModelError(`${modelId} withheld its answer: its content filter stepped in`, {
        kind: "rejected",
        modelId,
      });
    case "length":
      return notAnAnswer("used up its tokens before it said a word");
    case "stop":
    case "other":
      return notAnAnswer("answered without a word");
  }
}
