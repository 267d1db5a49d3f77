/** Exports what other extras use of this one. */

export { backupText } from "./host/backups.ts";
export { probeAccounts, type ProbedAccount } from "./probe.ts";
