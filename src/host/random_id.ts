/**
 * Draws ids that only have to differ from each other within a request or a turn.
 *
 * @module
 */

import { randomBytes } from "node:crypto";

/** 12 random hex digits. */
export function randomId(): string {
  return randomBytes(6).toString("hex");
}
