/** Commands of owners for the bot as a whole: agents, dashboard (O6), `/pause` (X4), `/restart`. */

import { isLoopbackHost } from "../../lib/network/addresses.ts";
import type { Command } from "../base/command.ts";

export const agents: Command = {
  name: "agents",
  description: "List my agents and their models",
  needs: "owner",
  run: (_, { config, settings: { models } }) =>
    config().agentList.map(({ id, name }) => `\`${name ?? id}\`: \`${models.of(id).id}\``).join(
      "\n",
    ),
};

/** Pauses the bot, or lets it go on. A pause outlives a restart. */
export const pause: Command = {
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
export const restart: Command = {
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

/** Tells a login link of the dashboard. Only the asker sees it, so there is no text command. */
export const dashboard: Command = {
  name: "dashboard",
  description: "Log in to my dashboard",
  needs: "owner",
  isMenuOnly: true,
  async run({ id, sender }, { bot, log }) {
    const link = await bot.dashboardLink?.() ?? { kind: "none" };
    if (link.kind !== "link") {
      return link.kind === "off"
        ? "My dashboard is off. To switch it on: `barnacle config set http.dashboard true`"
        : "I have no dashboard now, because another program uses my HTTP port: see `http.port`.";
    }
    const { url, validSec } = link;
    log.warn("An owner asked for a link to the dashboard", { interactionId: id, by: sender.id });
    return `This link logs one browser in, once, within ${validSec / 60} minutes: <${url}>` +
      (isLoopbackHost(new URL(url).hostname)
        ? " If it does not open here, set `http.publicUrl` to an address that this device reaches."
        : "");
  },
};

/** The commands that stop the bot, in the order of `/help`. */
export const STOPS: readonly Command[] = [pause, restart];
