/**
 * Schemas of plain columns, which all rows share: each schema of Zod takes about 3 kB of memory, and
 * time at every start.
 *
 * @module
 */

import { z } from "zod";

const text = z.string();
const number = z.number();

/** Schemas of plain columns. */
export const column = {
  text,
  textOrNull: text.nullable(),
  number,
  numberOrNull: number.nullable(),
};
