/**
 * `/undo`: takes back what the tool `discord` has done for the asker (T3).
 *
 * @module
 */

import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";

/** Takes back the newest change of the last ten minutes, or one by its number. */
export const undo: Command = {
  name: "undo",
  description: "Take back what I have just changed for you here",
  options: [{
    name: "id",
    description: "Number of the change (default: the newest)",
    type: "whole",
    isRequired: false,
  }],
  needs: "everyone", // it takes back the asker's own changes, or as an owner all
  async run(call, { undo, texts, log }) {
    const { id } = call.options;
    const outcome = await undo(call, typeof id === "number" ? id : undefined);
    if (outcome.kind === "refused") return notice("undoRefused", { reason: outcome.why }, texts());
    log.info("A person has undone a change", { interactionId: call.id, change: outcome.id });
    return notice("undone", { what: outcome.what, does: outcome.does }, texts());
  },
};
