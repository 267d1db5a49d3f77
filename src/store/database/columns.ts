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

/**
 * For rows that a process reads a few times. Otherwise Zod compiles a parser at the first use of a
 * schema: 0.2 ms, which pays only after some hundred rows.
 */
export const SELDOM_READ = { jitless: true };
