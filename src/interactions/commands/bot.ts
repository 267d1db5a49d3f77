/** Commands of owners for the bot as a whole: agents, dashboard (O6), `/pause` (X4), `/restart`. */

import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";
import type { BotUses } from "../base/context.ts";

export const agents: Command<BotUses> = {
  name: "agents",
  description: "List my agents and their models",
  needs: "owner",
  run: (_, { agents }) => agents().map(({ id, modelId }) => `\`${id}\`: \`${modelId}\``).join("\n"),
};

/** Pauses the bot, or lets it go on. A pause outlives a restart. */
export const pause: Command<BotUses> = {
  name: "pause",
  description: "Pause me everywhere, or let me go on",
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

/** Ends the process once its answers are sent, as a signal does. */
export const restart: Command<BotUses> = {
  name: "restart",
  description: "End my process; it starts again",
  needs: "owner",
  async run(call, { restart, texts, log }) {
    const outcome = await restart(call);
    switch (outcome) {
      case "unsupervised":
        return notice("restartRefused", {}, texts());
      case "done":
        return notice("restarted", {}, texts());
      case "begun":
        log.warn("An owner restarts the bot", { interactionId: call.id, by: call.sender.id });
        return notice("restarting", {}, texts());
    }
  },
};

/** Tells a login link of the dashboard. Only the asker sees it, so there is no text command. */
export const dashboard: Command<BotUses> = {
  name: "dashboard",
  description: "Log in to my dashboard",
  needs: "owner",
  isMenuOnly: true,
  async run({ id, sender }, { dashboardLink, texts, log }) {
    const link = await dashboardLink();
    if (link.kind !== "link") {
      return notice(link.kind === "off" ? "dashboardOff" : "dashboardNone", {}, texts());
    }
    const { url, validSec } = link;
    log.warn("An owner asked for a link to the dashboard", { interactionId: id, by: sender.id });
    return notice("dashboardLink", { url, minutes: validSec / 60 }, texts());
  },
};

/** The commands that stop the bot, in the order of `/help`. */
export const STOPS: readonly Command<BotUses>[] = [pause, restart];
