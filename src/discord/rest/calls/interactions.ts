/**
 * Answers interactions.
 *
 * Discord waits three seconds for the first answer. Then it shows the person that the interaction
 * failed. So all answers go before other requests, and a first answer is never retried. The token
 * in the path is the only credential; it appears in no error and no metric.
 *
 * @module
 */

import {
  type InteractionResponse,
  InteractionResponseTypes,
  MessageFlags,
} from "@discordeno/types";
import type { ComponentUse, Interaction } from "../../../core/inbound/interactions.ts";
import type { Card } from "../../../core/outbound/outbound.ts";
import type { RestApi } from "../client/client.ts";
import { IS_COMPONENTS_V2, type Layout, layoutOf } from "./layout.ts";

/** The id and the token by which Discord knows an interaction. */
export type InteractionRef = Pick<ComponentUse, "id" | "token">;

/** Sends the answers to interactions. */
export interface Interactions {
  /**
   * Replaces the text of the component's message, and removes all its components.
   *
   * @param content 1 to 2000 characters.
   * @param card Set if the message is a card: the text that it gets instead.
   * @throws {RestError} `not_found` after the three seconds, `rejected` if the interaction has an
   * answer already.
   */
  update(use: InteractionRef, content: string, card?: Card): Promise<void>;
  /**
   * Answers with a message that only the person sees; the component's message stays as it is.
   *
   * @param content 1 to 2000 characters.
   * @throws {RestError} As {@link Interactions.update}.
   */
  reply(use: InteractionRef, content: string): Promise<void>;
  /**
   * Suggests values for the option that a person types.
   *
   * @throws {RestError} As {@link Interactions.update}.
   */
  suggest(
    typing: InteractionRef,
    choices: readonly { readonly name: string; readonly value: string }[],
  ): Promise<void>;
  /**
   * Completes a deferred answer.
   *
   * @param content 1 to 2000 characters.
   * @throws {RestError} `not_found` if the answer was not deferred before, or the token has
   * expired.
   */
  complete(
    interaction: Pick<Interaction, "applicationId" | "token">,
    content: string,
  ): Promise<void>;
}

/** Discordeno does not know components in the second layout. */
type InteractionBody = Omit<InteractionResponse, "data"> & {
  readonly data?:
    | InteractionResponse["data"]
    | { readonly flags: number; readonly components: Layout; readonly allowedMentions: object };
};

/** Milliseconds within which Discord accepts the first answer. */
const ANSWER_MS = 3_000;

const NO_MENTIONS = { parse: [] };

/**
 * Creates the answers for one client.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#create-interaction-response}
 */
export function createInteractions(api: RestApi): Interactions {
  async function answer({ id, token }: InteractionRef, body: InteractionBody): Promise<void> {
    await api.request("POST", `/interactions/${id}/${encodeURIComponent(token)}/callback`, {
      body,
      priority: "interaction",
      timeoutMs: ANSWER_MS,
    });
  }

  return {
    update: (use, content, card) =>
      answer(use, {
        type: InteractionResponseTypes.UpdateMessage,
        data: card
          ? { flags: IS_COMPONENTS_V2, components: layoutOf(card), allowedMentions: NO_MENTIONS }
          : { content, components: [], allowedMentions: NO_MENTIONS },
      }),
    reply: (use, content) =>
      answer(use, {
        type: InteractionResponseTypes.ChannelMessageWithSource,
        data: { content, flags: MessageFlags.Ephemeral, allowedMentions: NO_MENTIONS },
      }),
    suggest: (typing, choices) =>
      answer(typing, {
        type: InteractionResponseTypes.ApplicationCommandAutocompleteResult,
        data: { choices: choices.map(({ name, value }) => ({ name, value })) },
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
