/** Exports what other extras use of this one. */

export { judgeEventPlaces } from "./place_findings.ts";
