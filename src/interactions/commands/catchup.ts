/** Tells a person alone what happened since they were last here: `/catchup` (T17a). */

import type { Command } from "../base/command.ts";
import type { ExtraUses } from "../base/context.ts";

export const catchup: Command<ExtraUses> = {
  name: "catchup",
  description: "Read what happened since you were last here",
  options: [
    { name: "since", description: "Time, such as 2h, 3d, today or 2026-01-31", type: "text" },
    { name: "where", description: "Only this channel, with its threads", type: "channel" },
  ],
  needs: "everyone",
  isMenuOnly: true, // others would read the answer to a message
  isOffered: ({ searches }) => searches.isOn(),
  run: (call, { byExtra }) => byExtra(call),
};
