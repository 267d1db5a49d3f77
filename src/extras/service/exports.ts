/** Exports what other extras use of this one. */

export { installService, serviceOffer, servicePaths } from "./install.ts";
export { type HostMachine, thisMachine } from "./machine.ts";
export { restartService } from "./restart.ts";
