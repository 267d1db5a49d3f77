/**
 * `/activation`: whether a channel needs mentions, in place of `requireMention`.
 *
 * The store has it, not the config file: an entry for the channel there could close other channels.
 *
 * @module
 */

import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";
import { settingCommand } from "../base/setting_command.ts";

/** Chooses for a channel with its threads, or for a thread. */
export const activation: Command = settingCommand({
  name: "activation",
  description: "Show or choose whether I answer without a mention in this channel",
  option: { name: "mode", description: "When I answer" },
  choices: [
    { name: "mention: only if a message mentions me", value: "mention" },
    { name: "always: each message of people who may talk to me", value: "always" },
    { name: "default: as my config says", value: "default" },
  ],
  unset: "default",
  needs: "owner",
  remark: ({ place }, _, { texts }) =>
    place.kind === "guild"
      ? undefined
      : { text: notice("activationInServers", {}, texts()), refuses: true },
});
