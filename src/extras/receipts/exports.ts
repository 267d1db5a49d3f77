/** Exports what other extras use of this one. */

export { lineOf, receiptsOf } from "./receipts.ts";
