/** `/dashboard`: lets an owner log in to the dashboard (O6). */

import type { Command } from "../../interactions/base/command.ts";
import { isLoopbackHost } from "../../lib/network/addresses.ts";

/** Tells a login link of the dashboard. Only the asker sees it, so there is no text command. */
export const dashboard: Command = {
  name: "dashboard",
  description: "Log in to my dashboard",
  needs: "owner",
  follows: "agents",
  isMenuOnly: true,
  async run({ id, sender }, { bot, log }) {
    const link = await bot.dashboardLink?.() ?? { kind: "off" };
    if (link.kind !== "link") {
      return "My dashboard is off. To switch it on: `barnacle config set http.dashboard true`";
    }
    const { url, validSec } = link;
    log.warn("An owner asked for a link to the dashboard", { interactionId: id, by: sender.id });
    return `This link logs one browser in, once, within ${validSec / 60} minutes: <${url}>` +
      (isLoopbackHost(new URL(url).hostname)
        ? " If it does not open here, set `http.publicUrl` to an address that this device reaches."
        : "");
  },
};
