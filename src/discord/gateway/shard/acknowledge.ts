/**
 * Acknowledges interactions on the gateway's thread (K5).
 *
 * If an interaction is not acknowledged within three seconds, Discord tells its user that it failed.
 * The main thread may be busy for longer. So this thread defers the answer to each command, submitted
 * form, button and menu when it arrives, and the main thread answers later. A form must be the first
 * answer to its button, so this thread opens it, too. The main thread sends no first answer, so none
 * is sent twice.
 */

import {
  InteractionResponseTypes,
  InteractionTypes,
  MessageComponentTypes,
  MessageFlags,
} from "@discordeno/types";
import { isRecord, parseForeignJson } from "../../../lib/text/json.ts";
import type { Callback, Forms } from "./forms.ts";

/** The type of the dispatches that {@link createAcknowledge} takes. */
export const INTERACTION_CREATE = "INTERACTION_CREATE";

/** A message that only the user sees will follow. */
const DEFERRED = JSON.stringify({
  type: InteractionResponseTypes.DeferredChannelMessageWithSource,
  data: { flags: MessageFlags.Ephemeral },
});

/** The component's message stays as it is, until the main thread changes it. */
const DEFERRED_UPDATE = JSON.stringify({ type: InteractionResponseTypes.DeferredUpdateMessage });

/**
 * Creates the function that acknowledges interactions.
 *
 * @returns A function that takes an INTERACTION_CREATE as JSON; it never throws.
 */
export function createAcknowledge(
  callback: Callback,
  forms: Pick<Forms, "pressed">,
): (dispatch: string) => void {
  return (dispatch) => {
    const parsed = parseForeignJson(dispatch); // the main thread reads the same text, and logs problems
    const d = isRecord(parsed) ? parsed.d : undefined;
    if (!isRecord(d)) return;
    const { id, token } = d;
    if (typeof id !== "string" || typeof token !== "string") return;
    switch (d.type) {
      case InteractionTypes.ApplicationCommand:
      case InteractionTypes.ModalSubmit:
        return callback({ id, token }, DEFERRED);
      case InteractionTypes.MessageComponent: {
        const press = pressIn(d);
        const isForm = press !== undefined && forms.pressed({ id, token, ...press });
        if (!isForm) callback({ id, token }, DEFERRED_UPDATE);
      }
    }
  };
}

/** @returns `undefined` for other components, and for an unexpected shape. */
function pressIn({ data, channel_id: channelId, member, user }: Record<string, unknown>) {
  if (!isRecord(data) || data.component_type !== MessageComponentTypes.Button) return undefined;
  const { custom_id: customId } = data;
  const person = isRecord(member) ? member.user : user; // in a guild, only the member counts
  const userId = isRecord(person) ? person.id : undefined;
  const isWhole = typeof customId === "string" && typeof channelId === "string" &&
    typeof userId === "string";
  return isWhole ? { customId, channelId, userId } : undefined;
}
