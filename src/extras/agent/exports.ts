/** Exports what other extras use of this one. */

export { decideQuestion, decidersText, type OperatorChoice } from "./approvals.ts";
