/** Exports what other extras use of this one. */

export { mappingsOf, type NameMapping } from "./names.ts";
export { decideRequest, type OpenRequest, pairingsOf, timesText } from "./pairing.ts";
