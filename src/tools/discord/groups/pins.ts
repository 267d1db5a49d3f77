/**
 * Actions on pinned messages, behind the gate `pins`. They use the routes of 2025.
 *
 * @module
 */

import { z } from "zod";
import { type Action, defineAction } from "../action/action.ts";
import { AT, FIELDS } from "../action/fields.ts";
import { lines, messageFields, read } from "../action/results.ts";

const { channelId, limit } = FIELDS;

const pinsSchema = z.object({
  items: z.array(z.object({ pinned_at: z.string(), message: z.unknown() })),
  has_more: z.boolean(),
});

/** Maximum number of pins in one response of Discord. */
const PAGE = 50;

/** Actions on pins. */
export const PIN_ACTIONS: readonly Action[] = [
  pinAction("pinMessage", "PUT", "Pinned."),
  pinAction("unpinMessage", "DELETE", "Unpinned."),
  defineAction({
    name: "listPins",
    summary: "newest first",
    gate: "pins",
    rights: "Read Message History",
    isIdempotent: true,
    input: z.strictObject({
      channelId: channelId.optional(),
      limit: limit.optional(),
      pinnedBefore: z.iso.datetime({ offset: true }).optional(),
    }),
    run: ({ limit = 50, pinnedBefore, ...where }, call, discord) =>
      discord.inChannel(call, {
        ...where,
        needs: ["Read Message History"],
        isQuoted: true,
      }, async (place) => {
        const { items, has_more: hasMore } = read(
          pinsSchema,
          await place.request("GET", `/channels/${place.channel.id}/messages/pins`, {
            query: { limit: Math.min(limit, PAGE), before: pinnedBefore },
          }),
        );
        const shown = [];
        for (const { pinned_at: pinnedAt, message } of items) {
          const one = await place.show(message);
          if (one) shown.push({ pinnedAt, ...messageFields(one) });
        }
        const list = lines(shown, "There are no pinned messages that you may read.");
        const last = items.at(-1)?.pinned_at;
        return hasMore && last ? `${list}\nThere are more: pinnedBefore ${last}.` : list;
      }),
  }),
];

function pinAction(name: string, method: "PUT" | "DELETE", done: string): Action {
  return defineAction({
    name,
    summary: "",
    gate: "pins",
    rights: "Pin Messages",
    isIdempotent: true,
    input: z.strictObject(AT),
    run: ({ messageId, ...where }, call, discord) =>
      discord.inChannel(
        call,
        { ...where, needs: ["Read Message History", "Pin Messages"] },
        async (place) => {
          await place.request(method, `/channels/${place.channel.id}/messages/pins/${messageId}`);
          return done;
        },
      ),
  });
}
