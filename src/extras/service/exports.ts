/** Exports what other extras use of this one. */

export { installService, serviceOffer, servicePaths } from "./install.ts";
export { type HostMachine, systemProgram, thisMachine } from "./machine.ts";
export { restartService } from "./restart.ts";
export type { ServiceTarget } from "./target.ts";
