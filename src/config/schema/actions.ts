/**
 * Keys of `channels.discord.actions`: the gates of the tools (T3).
 *
 * @module
 */

import { z } from "zod";
import { TOOL_GATES } from "../../core/tool_names.ts";
import { key } from "./parts/key.ts";

/** `channels.discord.actions`: a switch for each gate. */
export const actions = () =>
  z.strictObject(Object.fromEntries(
    Object.entries(TOOL_GATES).map(([gate, { isOpen, permits }]) => [
      gate,
      key(z.boolean().default(isOpen), `Whether tools may ${permits}.`),
    ]),
  ));
