/** `/signins`: shows and ends the asker's sign-ins with their own accounts (T13a). */

import type { Command } from "../base/command.ts";
import type { ExtraUses } from "../base/context.ts";

export const signins: Command<ExtraUses> = {
  name: "signins",
  description: "Show or end my access to your own accounts",
  options: [{ name: "end", description: "Server whose sign-in to end", type: "text" }],
  needs: "everyone",
  isPrivate: true,
  isOffered: ({ mcp }) => mcp.ids("each").length > 0,
  run: (call, { byExtra }) => byExtra(call),
};
