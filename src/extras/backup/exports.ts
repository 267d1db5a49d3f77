/** Exports what other extras use of this one. */

export { ENDINGS } from "./manifest.ts";
