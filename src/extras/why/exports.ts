/** Exports what other extras use of this one. */

export { recordedReport, type Today, type WhyDecision, type WhyReport } from "./report.ts";
export { hasArrived, storyLines } from "./text.ts";
