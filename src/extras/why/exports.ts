/** Exports what other extras use of this one. */

export type { Today, WhyDecision, WhyReport } from "./report.ts";
export { hasArrived, storyLines } from "./text.ts";
export { recordedReport } from "./why.ts";
