/**
 * Takes a model's thinking out of its words, where a server left it in.
 *
 * Some local servers send what a model thinks as `<think>…</think>` in front of
 * its answer, not in a field of its own. Only there it is taken out: an answer
 * may speak of the tag.
 *
 * @module
 */

const OPEN = "<think>";
const CLOSE = "</think>";

export interface ThinkingFilter {
  /** Takes the next piece of text; gives what of it is to be seen. */
  push(text: string): string;
  /** After the last piece: what was held back and turned out to be words. */
  end(): string;
}

/**
 * Makes the filter for one answer.
 *
 * White space before the first word is held back, so that the first piece that
 * comes out is something to be seen; white space alone never comes out.
 */
export function createThinkingFilter(): ThinkingFilter {
  let state: "undecided" | "thinking" | "answering" = "undecided";
  let held = "";
  let hasThought = false;

  const release = (): string => {
    state = "answering";
    const words = hasThought ? held.trimStart() : held;
    held = "";
    return words;
  };
  const decide = (): string => {
    const start = held.trimStart();
    if (start.startsWith(OPEN)) {
      state = "thinking";
      return think();
    }
    return OPEN.startsWith(start) ? "" : release();
  };
  const think = (): string => {
    const end = held.indexOf(CLOSE);
    if (end < 0) {
      held = held.slice(1 - CLOSE.length); // the closing tag may come in pieces
      return "";
    }
    held = held.slice(end + CLOSE.length);
    hasThought = true; // what parts it from the answer goes with it
    state = "undecided"; // some think twice
    return decide();
  };

  return {
    push(text) {
      if (state === "answering") return text;
      held += text;
      return state === "thinking" ? think() : decide();
    },
    end: () => state === "undecided" && held.trim() !== "" ? release() : "",
  };
}
