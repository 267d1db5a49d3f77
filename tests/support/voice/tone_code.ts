/** The simulator's sound that carries its text, for tests. */

export { RATE, readSound, speakText, SYMBOL_MS } from "../../../simulator/model/spoken_text.ts";
