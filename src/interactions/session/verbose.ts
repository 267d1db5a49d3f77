/**
 * `/verbose`: whether people see the tools that ran above the answers of this conversation.
 *
 * @module
 */

import type { Command } from "../base/command.ts";
import { settingCommand } from "../base/setting_command.ts";

/** Shows the tools that ran. */
export const verbose: Command = settingCommand({
  name: "verbose",
  description: "Show or hide the tools that I used above my answers here",
  option: { name: "mode", description: "Whether everyone here sees them" },
  choices: [
    { name: "on: everyone here sees their names", value: "on" },
    { name: "off", value: "off" },
  ],
  unset: "off",
  needs: "session",
});
