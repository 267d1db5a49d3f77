/** Exports what other extras use of this one. */

export { type Tested, testModel, windowSource } from "./test.ts";
export { budgetUsesIn, costOf, limitLine, usageBy, type UsageRow, usageText } from "./usage.ts";
