/**
 * `/whoami`: the asker's ids, as allow lists take them.
 *
 * @module
 */

import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";

/** Answers with the ids of the asker and of the place. An owner copies them into the config. */
export const whoami: Command = {
  name: "whoami",
  description: "Show your user id and the ids of this place",
  options: [],
  needs: "everyone",
  run({ sender, channelId, guildId }, { texts }) {
    const text = notice("whoami", { name: `<@${sender.id}>`, id: sender.id }, texts());
    const roles = sender.roles.map(({ id }) => `\`role:${id}\``).slice(0, SHOWN_ROLES);
    return [
      text,
      guildId === undefined ? `channel \`${channelId}\`` : `${guildId} / channel \`${channelId}\``,
      ...(roles.length > 0 ? [roles.join(" ")] : []),
    ].join("\n");
  },
};

const SHOWN_ROLES = 20;
