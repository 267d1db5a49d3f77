/**
 * Actions on the bot itself: its status, and undoing.
 *
 * @module
 */

import { z } from "zod";
import { ACTIVITY_KINDS, STATUSES } from "../../../core/discord/presence.ts";
import { type Action, defineAction } from "../action/action.ts";
import { badArguments } from "../../../core/refused_call.ts";

/** Actions on the bot itself. */
export const OTHER_ACTIONS: readonly Action[] = [
  defineAction({
    name: "setPresence",
    summary: "",
    gate: "presence",
    rights: "owners of the bot only",
    isIdempotent: true,
    input: z.strictObject({
      status: z.enum(STATUSES).optional(),
      activityType: z.enum(ACTIVITY_KINDS).optional(),
      activityName: z.string().max(128).optional(),
      activityUrl: z.url({ protocol: /^https$/ }).max(256).optional(),
    }),
    async run(
      { status, activityType = "playing", activityName, activityUrl: url },
      call,
      discord,
    ) {
      if (activityName === undefined && status === undefined) {
        throw badArguments("give `status` or `activityName`");
      }
      await discord.setPresence(call, {
        status,
        activity: activityName !== undefined
          ? activityName === ""
            ? null
            : { type: activityType, name: activityName, url: url || undefined }
          : undefined,
      });
      return "Set. It stays until it is set again, or the config changes it.";
    },
  }),
  defineAction({
    name: "undo",
    summary: "a change of the last 10 minutes",
    rights: "the person who asked for the change, or an owner of the bot; with its rights",
    isIdempotent: true,
    input: z.strictObject({ id: z.int().min(1).optional() }),
    async run({ id }, call, discord) {
      const { what, does, id: undone } = await discord.undo.undo(call, id);
      return `Undone (${undone}): ${what}. This ${does}.`;
    },
  }),
];
