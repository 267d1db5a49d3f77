/** Exports what other extras use of this one. */

export { set } from "./edit.ts";
export { checkFile } from "./check.ts";
