/** Exports what other extras use of this one. */

export { decideRequest, type OpenRequest, pairingsOf, timesText } from "./pairing.ts";
