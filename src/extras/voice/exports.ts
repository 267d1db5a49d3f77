/** Exports what other extras use of this one. */

export { createOpus } from "./link/opus.ts";
export { loadDavey } from "./link/davey.ts";
export { wavOf } from "./talk/speeches.ts";
