/**
 * `/think`: how long the model of this conversation thinks before it answers.
 *
 * A server's words alone tell whether its model takes a level. So a refused level is remembered, and
 * `/think` says so; the turn that found out is answered without it.
 *
 * @module
 */

import { oneOf, THINK_LEVELS } from "../../core/people/chosen.ts";
import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";
import { settingCommand } from "../base/setting_command.ts";

/** Chooses the level of thinking of a conversation. */
export const think: Command = settingCommand({
  name: "think",
  description: "Show or choose how long my model thinks before it answers here",
  option: { name: "level", description: "How long it thinks" },
  choices: [
    ...THINK_LEVELS.map((level) => ({ name: level, value: level })),
    { name: "default: as the model does by itself", value: "default" },
  ],
  unset: "default",
  needs: "session",
  async remark(call, wanted, { models, settings, texts }) {
    const level = oneOf(THINK_LEVELS, wanted ?? await settings.of(call, "think"));
    if (level === undefined) return undefined;
    const { id: model, levels } = await models.refusedThinking(call);
    if (levels.has(level)) {
      const text = notice("thinkRefused", { model, level }, texts());
      return { text, refuses: wanted !== undefined };
    }
    return wanted === undefined
      ? undefined
      : { text: notice("thinkLater", { model }, texts()), refuses: false };
  },
});
