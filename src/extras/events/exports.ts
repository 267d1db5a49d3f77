/** Exports what other extras use of this one. */

export { type EventWords, type Unneeded, wordsOfEvents } from "./words.ts";
