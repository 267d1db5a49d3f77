/**
 * Answers to a press of a button.
 *
 * Discord waits three seconds for an answer and then tells the person that the
 * interaction failed, so these go before all else and are not tried again. The
 * token in the path is the only credential; it stands in no error and no metric.
 *
 * @module
 */

import {
  type InteractionResponse,
  InteractionResponseTypes,
  MessageFlags,
} from "@discordeno/types";
import type { Press } from "../../../core/inbound/inbound.ts";
import type { RestApi } from "../client/client.ts";

/** What an answer is addressed by. */
export type Answered = Pick<Press, "id" | "token">;

export interface Interactions {
  /**
   * Gives the message that has the button another text, and takes all its buttons away.
   *
   * @param content 1 to 2000 characters.
   * @throws {RestError} `not_found` where the three seconds are over, `rejected` where the press was
   * answered already.
   */
  update(press: Answered, content: string): Promise<void>;
  /**
   * Tells the one who pressed, and nobody else; the message stays as it is.
   *
   * @param content 1 to 2000 characters.
   * @throws {RestError} As {@link Interactions.update}.
   */
  reply(press: Answered, content: string): Promise<void>;
}

/** Milliseconds in which Discord takes the first answer. */
const ANSWER_MS = 3_000;

/** @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#create-interaction-response} */
export function createInteractions(api: RestApi): Interactions {
  async function answer({ id, token }: Answered, body: InteractionResponse): Promise<void> {
    await api.request("POST", `/interactions/${id}/${encodeURIComponent(token)}/callback`, {
      body,
      priority: "interaction",
      timeoutMs: ANSWER_MS,
    });
  }

  return {
    update: (press, content) =>
      answer(press, {
        type: InteractionResponseTypes.UpdateMessage,
        data: { content, components: [], allowedMentions: { parse: [] } },
      }),
    reply: (press, content) =>
      answer(press, {
        type: InteractionResponseTypes.ChannelMessageWithSource,
        data: { content, flags: MessageFlags.Ephemeral, allowedMentions: { parse: [] } },
      }),
  };
}
