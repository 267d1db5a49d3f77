/** Exports what other extras use of this one. */

export { send } from "./send.ts";
