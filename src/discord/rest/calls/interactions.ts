/**
 * Answers to interactions.
 *
 * Discord waits three seconds for a first answer and then tells the person that the interaction
 * failed, so these go before all other requests and are not tried again. The token in the path is the
 * only credential; it stands in no error and no metric.
 *
 * @module
 */

import {
  type InteractionResponse,
  InteractionResponseTypes,
  MessageFlags,
} from "@discordeno/types";
import type { ComponentUse, SlashCommand } from "../../../core/inbound/interactions.ts";
import type { RestApi } from "../client/client.ts";

/** What an answer is addressed by. */
export type Answered = Pick<ComponentUse, "id" | "token">;

export interface Interactions {
  /**
   * Replaces the text of the message that has the component, and takes all components away.
   *
   * @param content 1 to 2000 characters.
   * @throws {RestError} `not_found` where the three seconds are over, `rejected` where it was
   * answered already.
   */
  update(use: Answered, content: string): Promise<void>;
  /**
   * Tells the person, and nobody else; the message stays as it is.
   *
   * @param content 1 to 2000 characters.
   * @throws {RestError} As {@link Interactions.update}.
   */
  reply(use: Answered, content: string): Promise<void>;
  /**
   * Gives the answer that was deferred.
   *
   * @param content 1 to 2000 characters.
   * @throws {RestError} `not_found` where it was not deferred, or not yet; or the token has expired.
   */
  complete(
    command: Pick<SlashCommand, "applicationId" | "token">,
    content: string,
  ): Promise<void>;
}

/** Milliseconds in which Discord takes the first answer. */
const ANSWER_MS = 3_000;

const NO_MENTIONS = { parse: [] };

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
    update: (use, content) =>
      answer(use, {
        type: InteractionResponseTypes.UpdateMessage,
        data: { content, components: [], allowedMentions: NO_MENTIONS },
      }),
    reply: (use, content) =>
      answer(use, {
        type: InteractionResponseTypes.ChannelMessageWithSource,
        data: { content, flags: MessageFlags.Ephemeral, allowedMentions: NO_MENTIONS },
      }),
    async complete({ applicationId, token }, content) {
      const webhook = `/webhooks/${applicationId}/${encodeURIComponent(token)}`;
      await api.request("PATCH", `${webhook}/messages/@original`, {
        body: { content, allowedMentions: NO_MENTIONS },
        priority: "interaction",
      });
    },
  };
}
