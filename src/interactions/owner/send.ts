/**
 * `/send`: whether the bot answers in this place.
 *
 * Messages there are context for later answers. Commands work, so that `/send on` does.
 *
 * @module
 */

import type { Command } from "../base/command.ts";
import { settingCommand } from "../base/setting_command.ts";

/** Chooses for a channel with its threads, for a thread, or for direct messages with a person. */
export const send: Command = settingCommand({
  name: "send",
  description: "Show or choose whether I answer in this channel",
  option: { name: "mode", description: "Whether I answer" },
  choices: [
    { name: "on: also in a thread whose channel is off", value: "on" },
    { name: "off: answer nothing but commands", value: "off" },
    { name: "inherit: a thread as its channel, others on", value: "inherit" },
  ],
  unset: "inherit",
  needs: "owner",
});
