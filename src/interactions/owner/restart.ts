/**
 * `/restart`: ends the process, so that its supervisor starts it again.
 *
 * @module
 */

import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";

/** Ends the process once its answers are sent, as a signal does. */
export const restart: Command = {
  name: "restart",
  description: "End my process, so that it is started again",
  options: [],
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
