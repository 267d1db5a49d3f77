/**
 * `/reasoning`: whether people see the model's thinking above the answers of this conversation.
 *
 * @module
 */

import type { Command } from "../base/command.ts";
import { settingCommand } from "../base/setting_command.ts";

/** Shows the model's thinking, if its server sends it. */
export const reasoning: Command = settingCommand({
  name: "reasoning",
  description: "Show or hide my model's thinking above my answers here",
  option: { name: "mode", description: "Whether everyone here sees it" },
  choices: [
    { name: "on: everyone here sees it", value: "on" },
    { name: "off", value: "off" },
  ],
  unset: "off",
  needs: "session",
});
