/** Exports what other extras use of this one. */

export { wordsOfEvents } from "./words.ts";
