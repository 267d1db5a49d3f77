/**
 * Decides how an answer ended, in the same way for every wire format.
 *
 * @module
 */

import { type FinishReason, ModelError } from "../core/model.ts";

/**
 * The text of one answer. White space before the first visible character waits for that character.
 */
export interface VisibleText {
  /**
   * Adds text of the answer.
   *
   * @returns The text to pass on; empty while the answer is white space only.
   */
  add(text: string): string;
  /** Whether no visible character was added yet. */
  isEmpty(): boolean;
}

/** Creates the text of an answer, still empty. */
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
 * Checks whether a completed answer counts as one.
 *
 * @param reason The server's reason for the end; `undefined` if it gave none.
 * @param isEmpty Whether the answer has neither visible text nor tool calls.
 * @returns The error; `undefined` if it is an answer.
 */
export function endingFault(
  reason: FinishReason | undefined,
  isEmpty: boolean,
  modelId: string,
): ModelError | undefined {
  const notAnAnswer = (failure: string) =>
    new ModelError(`${modelId} ${failure}`, { kind: "not_an_answer", modelId });
  if (reason === undefined) return notAnAnswer("ended its answer early");
  if (!isEmpty) return undefined;
  switch (reason) {
    case "tool_calls":
      return notAnAnswer("said that it calls tools, and called none");
    case "content_filter":
      return new ModelError(`${modelId} gave no answer: its content filter stopped it`, {
        kind: "rejected",
        modelId,
      });
    case "length":
      return notAnAnswer("used up its tokens before its answer had any text");
    case "stop":
    case "other":
      return notAnAnswer("answered without any text");
  }
}
