/** Commands of owners that stop the bot as a whole: `/pause` (X4) and `/restart`. */

import type { Command } from "../base/command.ts";

/** Pauses the bot, or lets it go on. A pause outlives a restart. */
const pause: Command = {
  name: "pause",
  description: "Pause me everywhere, or let me go on",
  needs: "owner",
  async run(call, account) {
    const { togglePause } = await import("../../flows/interactions/stop.ts");
    const { isPaused, stopped } = await togglePause(account, call);
    account.log.warn(isPaused ? "An owner paused the bot" : "An owner let the bot go on", {
      interactionId: call.id,
      by: call.sender.id,
      stopped,
    });
    return isPaused
      ? `I am paused everywhere; stopped turns: ${stopped}. \`/pause\` lets me go on.`
      : "I am back.";
  },
};

/** Ends the process once its answers are sent, as a signal does. */
const restart: Command = {
  name: "restart",
  description: "End my process; it starts again",
  needs: "owner",
  async run(call, account) {
    const { restartProcess } = await import("../../flows/interactions/stop.ts");
    switch (await restartProcess(account, call)) {
      case "unsupervised":
        return "I see no supervisor that would start me again, so I keep running. If there is one, " +
          "set `BARNACLE_SUPERVISED=1` in my environment.";
      case "done":
        return "I have restarted.";
      case "begun":
        account.log.warn("An owner restarts the bot", {
          interactionId: call.id,
          by: call.sender.id,
        });
        return "I am restarting. I will be back in a moment.";
    }
  },
};

/** The commands that stop the bot, in the order of `/help`. */
export const STOPS: readonly Command[] = [pause, restart];
