/** `/catchup`: tells a person alone what happened since they were last here (T17). */

import type { Command } from "../../interactions/base/command.ts";

export const catchup: Command = {
  name: "catchup",
  description: "Read what happened since you were last here",
  options: [
    { name: "since", description: "Time, such as 2h, 3d, today or 2026-01-31", type: "text" },
    { name: "where", description: "Only this channel, with its threads", type: "channel" },
  ],
  needs: "everyone",
  isMenuOnly: true, // others would read the answer to a message
  run: async (call, account) => await (await import("./catch_up.ts")).catchUp(account, call),
};
