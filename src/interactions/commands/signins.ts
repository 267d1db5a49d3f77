/** `/signins`: shows and ends the asker's sign-ins with their own accounts (T13a). */

import { bounded } from "../../lib/text/cut.ts";
import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";
import { stateText } from "./mcp.ts";

export const signins: Command = {
  name: "signins",
  description: "Show or end my access to your own accounts",
  options: [{
    name: "end",
    description: "Server whose sign-in to end",
    type: "text",
  }],
  needs: "everyone",
  isPrivate: true,
  isOffered: ({ own }) => own()?.isOn() === true,
  async run({ id, sender, options }, { own, texts, log, now }) {
    const servers = await own()?.load();
    const named = bounded(String(options["end"] ?? "").trim().replaceAll("`", "'"), 100);
    if (named !== "") {
      const isEnded = servers?.end(sender.id, named) === true;
      log.info("A person ended a sign-in of their own", { interactionId: id, isEnded });
      return notice(isEnded ? "mcpLoggedOut" : "mcpNoLogin", { server: named }, texts());
    }
    const lines = (servers?.states(sender.id) ?? [])
      .map((state) => `– \`${state.id}\`: ${stateText(state, now(), texts())}`);
    return [notice("mcpServers", {}, texts()), ...lines].join("\n");
  },
};
