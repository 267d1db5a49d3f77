/** The notes of people for tests of commands that must not use them. */

import type { InteractionContext } from "../../../src/interactions/base/context.ts";

const refuse = () => Promise.reject(new Error("This test uses no notes"));

/** Notes that fail. */
export const UNUSED_NOTES: InteractionContext["notes"] = {
  by: refuse,
  find: refuse,
  update: refuse,
  remove: refuse,
};
