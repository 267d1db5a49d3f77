/** Exports what other extras use of this one. */

export { installService, serviceOffer, servicePaths } from "./install.ts";
export { layoutOf, UNIT } from "./layout.ts";
export {
  type HostMachine,
  managerFacts,
  stateOf,
  systemctlOf,
  systemProgram,
  thisMachine,
} from "./machine.ts";
export { chooseTarget, type ServiceTarget } from "./target.ts";
