/**
 * Answers interactions.
 *
 * The gateway's thread has acknowledged each interaction but suggestions. So answers go through the
 * interaction's webhook, for which Discord takes its token for 15 minutes. Answers wait for no other
 * request. The token in the path is the only credential; it appears in no error and no metric.
 */

import {
  type InteractionResponse,
  InteractionResponseTypes,
  MessageFlags,
} from "@discordeno/types";
import { z } from "zod";
import type { ApplicationId, MessageId } from "../../../core/discord/ids.ts";
import type { Sender } from "../../../core/inbound/inbound.ts";
import type { Button, Card, Menu } from "../../../core/outbound/outbound.ts";
import { snowflakeSchema } from "../../../core/discord/lenient.ts";
import type { RestApi } from "../client/client.ts";
import { expect } from "../exchange/rest_error.ts";
import { IS_COMPONENTS_V2, layoutOf, rowsOf } from "./messages.ts";

/** The webhook of an interaction, which takes its answers, and the person. */
export interface Webhook {
  readonly applicationId: ApplicationId;
  readonly token: string;
  readonly sender: Sender;
}

/** Milliseconds within which Discord takes suggestions. */
const ANSWER_MS = 3_000;

/** Maximum UTF-16 units of a message's own text. */
const CONTENT_MAX = 2_000;

const NO_MENTIONS = { parse: [] };

const replySchema = z.object({ id: snowflakeSchema<"message">() });

/**
 * Creates the answers for one client.
 *
 * @param isPrivileged Whether the answers to a person wait for none to other people (X4a).
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#followup-messages}
 */
export function createInteractions(
  api: RestApi,
  isPrivileged: (interaction: { readonly sender: Sender }) => boolean,
) {
  /** Answers have a pace of their own. */
  const first = (interaction: { readonly sender: Sender }) =>
    ({ priority: isPrivileged(interaction) ? "privileged" : "interaction" }) as const;
  const pathOf = ({ applicationId, token }: Webhook) =>
    `/webhooks/${applicationId}/${encodeURIComponent(token)}`;

  async function edit(webhook: Webhook, message: string, body: object): Promise<void> {
    const path = `${pathOf(webhook)}/messages/${message}`;
    await api.request("PATCH", path, {
      ...first(webhook),
      body: { ...body, allowedMentions: NO_MENTIONS },
    });
  }

  return {
    /**
     * Replaces the text of the component's message, and all its components by the menu.
     *
     * @param content 1 to 2000 characters.
     * @param card Set if the message is a card: the text that it gets instead.
     * @throws {RestError} `not_found` if the use was not acknowledged before, or the token has expired.
     */
    update: (use: Webhook, content: string, card?: Card, menu?: Menu): Promise<void> =>
      edit(
        use,
        ORIGINAL,
        card
          ? { flags: IS_COMPONENTS_V2, components: layoutOf(card) }
          : { content, components: rowsOf([], menu && [menu]) },
      ),
    /**
     * Answers with a message that only the person sees; the component's message stays as it is.
     *
     * @param content 1 to 2000 characters.
     * @returns Id of the message.
     * @throws {RestError} As `update`.
     */
    async reply(use: Webhook, content: string): Promise<MessageId> {
      const body = { content, flags: MessageFlags.Ephemeral, allowedMentions: NO_MENTIONS };
      const answer = await api.request("POST", pathOf(use), { ...first(use), body });
      return expect("POST /webhooks/:id/:token", replySchema, answer).id;
    },
    /**
     * Replaces the text of a reply.
     *
     * @param content 1 to 2000 characters.
     * @throws {RestError} As `update`.
     */
    change: (use: Webhook, replyId: MessageId, content: string): Promise<void> =>
      edit(use, replyId, { content }),
    /**
     * Suggests values for the option that a person types. A person waits three seconds for them, so
     * they are never tried again.
     *
     * @throws {RestError} `not_found` after the three seconds.
     */
    async suggest(
      { id, token, sender }: {
        readonly id: string;
        readonly token: string;
        readonly sender: Sender;
      },
      choices: readonly { readonly name: string; readonly value: string }[],
    ): Promise<void> {
      const body: InteractionResponse = {
        type: InteractionResponseTypes.ApplicationCommandAutocompleteResult,
        data: { choices: choices.map(({ name, value }) => ({ name, value })) },
      };
      await api.request("POST", `/interactions/${id}/${encodeURIComponent(token)}/callback`, {
        ...first({ sender }),
        body,
        timeoutMs: ANSWER_MS,
      });
    },
    /**
     * Completes a deferred answer. The second layout has room for a text that the first has not.
     *
     * @param content 1 to 4000 characters.
     * @throws {RestError} `not_found` if the answer was not deferred before, or the token has
     * expired.
     */
    complete: (
      interaction: Webhook,
      content: string,
      { buttons = [], menu }: { readonly buttons?: readonly Button[]; readonly menu?: Menu } = {},
    ): Promise<void> => {
      const rows = rowsOf(buttons, menu && [menu]);
      return edit(
        interaction,
        ORIGINAL,
        content.length <= CONTENT_MAX
          ? { content, components: rows.length > 0 ? rows : undefined }
          : { flags: IS_COMPONENTS_V2, components: [{ type: 10, content }, ...rows] },
      );
    },
  };
}

/** The deferred message, or the message of the component. */
const ORIGINAL = "@original";
