/**
 * `/pause`: stops all turns, and answers nothing until it is given again (X4).
 *
 * @module
 */

import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";

/** Pauses the bot, or lets it go on. A pause outlives a restart. */
export const pause: Command = {
  name: "pause",
  description: "Pause me everywhere, or let me go on",
  options: [],
  needs: "owner",
  async run(call, { pause, texts, log }) {
    const { isPaused, stopped } = await pause.toggle(call);
    log.warn(isPaused ? "An owner paused the bot" : "An owner let the bot go on", {
      interactionId: call.id,
      by: call.sender.id,
      stopped,
    });
    return isPaused
      ? notice("pausedNow", { count: stopped }, texts())
      : notice("resumed", {}, texts());
  },
};
