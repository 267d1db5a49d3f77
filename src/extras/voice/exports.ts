/** Exports the parts that other extras use. */

export { createOpus } from "./link/opus.ts";
export { loadDavey } from "./link/davey.ts";
export { wavOf } from "./talk/speeches.ts";
