/**
 * Any character, as the unit of random strings.
 *
 * fast-check's own unit `"binary"` draws the same characters, but builds a table of all of them at
 * its first use. That takes over a second of CPU time in each group of tests.
 */

import fc from "fast-check";

const SURROGATES_AT = 0xd800;
const SURROGATES = 0x800;

/** Any character of Unicode; a half of a surrogate pair is none. */
export const anyCharacter: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10ffff - SURROGATES })
  .map((n) => String.fromCodePoint(n < SURROGATES_AT ? n : n + SURROGATES));
