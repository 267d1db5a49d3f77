/**
 * All actions of the tool `discord`: a new one is an entry of a file here, and nothing else.
 *
 * @module
 */

import type { Action } from "./action.ts";
import { MESSAGE_ACTIONS } from "./messages.ts";
import { REACTION_ACTIONS } from "./reactions.ts";
import { THREAD_ACTIONS } from "./threads.ts";

/** All actions, with distinct names. */
export const ACTIONS: readonly Action[] = [
  ...MESSAGE_ACTIONS,
  ...REACTION_ACTIONS,
  ...THREAD_ACTIONS,
];
