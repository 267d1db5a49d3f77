/**
 * `/queue`: what happens to messages that arrive while the bot works (S5).
 *
 * @module
 */

import type { Command } from "../base/command.ts";
import { settingCommand } from "../base/setting_command.ts";

/** Chooses the mode of a channel or a direct message, in place of `messages.queue.mode`. */
export const queue: Command = settingCommand({
  name: "queue",
  description: "Show or choose what I do with messages that arrive while I work here",
  option: { name: "mode", description: "What to do with such messages" },
  choices: [
    { name: "collect: answer all of them at once, later", value: "collect" },
    { name: "steer: see them at my next step", value: "steer" },
    { name: "followup: answer each of them, later", value: "followup" },
    { name: "interrupt: stop, and answer them instead", value: "interrupt" },
    { name: "default: as my config says", value: "default" },
  ],
  unset: "default",
  needs: "session",
});
