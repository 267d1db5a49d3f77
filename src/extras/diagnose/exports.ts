/** Exports what other extras use of this one. */

export { probeAccounts, type ProbedAccount } from "./probe.ts";
