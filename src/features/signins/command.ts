/** `/signins`: shows and ends the asker's sign-ins with their own accounts (T13a). */

import type { Command } from "../../interactions/base/command.ts";

export const signins: Command = {
  name: "signins",
  description: "Show or end my access to your own accounts",
  options: [{ name: "end", description: "Server whose sign-in to end", type: "text" }],
  needs: "everyone",
  isPrivate: true,
  isOffered: ({ config }) =>
    Object.values(config().mcp.servers).some(({ login }) => login === "each"),
  async run(call, account) {
    const { peoplesLogins, runSignIns } = await import("./own_servers.ts");
    peoplesLogins.start(account);
    return runSignIns(account, call);
  },
};
