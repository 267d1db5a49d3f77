/**
 * Acknowledges interactions on the gateway's thread (K5).
 *
 * If an interaction is not acknowledged within three seconds, Discord tells its user that it failed.
 * The main thread may be busy for longer. So this thread defers the answer to each command, submitted
 * form, button and menu when it arrives, and the main thread answers later. A form must be the first
 * answer to its button, so this thread opens it, too. The main thread sends no first answer, so none
 * is sent twice. An interaction beyond the bound of its person gets no answer at all.
 */

import {
  InteractionResponseTypes,
  InteractionTypes,
  MessageComponentTypes,
  MessageFlags,
} from "@discordeno/types";
import { readSnowflake } from "../../../core/discord/ids.ts";
import { isRecord, parseForeignJson } from "../../../lib/text/json.ts";
import type { Callback, Forms } from "./forms.ts";
import type { InteractionLimit } from "./interaction_limit.ts";

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
 * @returns A function that takes an INTERACTION_CREATE as JSON, and returns whether the main thread
 * gets it; it never throws.
 */
export function createAcknowledge(
  callback: Callback,
  forms: Pick<Forms, "pressed">,
  limit: Pick<InteractionLimit, "take">,
): (dispatch: string) => boolean {
  function answerFirst(d: Record<string, unknown>): void {
    const { token } = d;
    const id = readSnowflake(d.id);
    if (id === undefined || typeof token !== "string") return;
    switch (Number(d.type)) {
      case InteractionTypes.ApplicationCommand:
      case InteractionTypes.ModalSubmit:
        return callback({ id, token }, DEFERRED);
      case InteractionTypes.MessageComponent: {
        const press = pressIn(d);
        const isForm = press !== undefined && forms.pressed({ id, token, ...press });
        if (!isForm) callback({ id, token }, DEFERRED_UPDATE);
      }
    }
  }

  return (dispatch) => {
    const parsed = parseForeignJson(dispatch); // the main thread reads the same text, and logs problems
    const d = isRecord(parsed) ? parsed.d : undefined;
    if (!isRecord(d)) return true;
    if (!limit.take(userIn(d) ?? "")) return false;
    answerFirst(d);
    return true;
  };
}

/** In a guild, only the member counts. */
function userIn({ member, user }: Record<string, unknown>): string | undefined {
  const person = isRecord(member) ? member.user : user;
  return isRecord(person) ? readSnowflake(person.id) : undefined;
}

/** @returns `undefined` for other components, and for an unexpected shape. */
function pressIn(d: Record<string, unknown>) {
  const { data } = d;
  if (!isRecord(data) || Number(data.component_type) !== MessageComponentTypes.Button) {
    return undefined;
  }
  const channelId = readSnowflake(d.channel_id);
  const { custom_id: customId } = data;
  const userId = userIn(d);
  const isWhole = typeof customId === "string" && channelId !== undefined &&
    userId !== undefined;
  return isWhole ? { customId, channelId, userId } : undefined;
}
