/** Exports what other extras use of this one. */

export { set } from "./edit.ts";
export { type CheckedFile, checkFile } from "./check.ts";
