/** Exports what other extras use of this one. */

export { loadDavey } from "./link/davey.ts";
export { wavOf } from "./talk/mouth.ts";
