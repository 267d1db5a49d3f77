/**
 * `/forget me`: removes everything that is stored of the asker (X5).
 *
 * @module
 */

import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";

/** Forgets the asker. A word confirms it, because no one can bring the data back. */
export const forget: Command = {
  name: "forget",
  description: "Delete everything that I have stored of you",
  options: [{
    name: "who",
    description: "Choose “me” to confirm: no one can bring it back",
    type: "text",
    isRequired: true,
    choices: [{ name: "me", value: "me" }],
  }],
  needs: "everyone",
  isMenuOnly: true, // as a message, its own turn would be open, and part of the stored data
  async run(call, { forget, texts, log }) {
    const outcome = await forget(call);
    log.info("A person asked to be forgotten", { interactionId: call.id, outcome });
    return notice(outcome === "forgotten" ? "forgotten" : "forgetLater", {}, texts());
  },
};
