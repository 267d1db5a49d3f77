/** Exports what other extras use of this one. */

export { type AccessMatrix, cellsOf, matrixOf } from "./matrix.ts";
export { mappingsOf, type NameMapping } from "./names.ts";
export { decideRequest, type OpenRequest, pairingsOf, timesText, unpair } from "./pairing.ts";
export { namedEntry } from "./rows.ts";
export { type TriedAccess, tryAccess, WOULD } from "./try.ts";
