/** Exports the parts that other extras use. */

export { loadDavey } from "./link/davey.ts";
