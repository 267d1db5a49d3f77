/** Finds the place of a message of `barnacle send` at Discord, and composes the message. */

import { randomUUID } from "node:crypto";
import type { Config } from "../../config/config.ts";
import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import { nonceOfCall } from "../../core/outbound/nonce.ts";
import type { Frozen, OutboundFile } from "../../core/outbound/outbound.ts";
import type { Target } from "../../core/outbound/target.ts";
import {
  restoreIndex,
  takesFiles,
  uploadLimitOf,
} from "../../discord/gateway/decode/guild_index.ts";
import { createOpenDirect, createReadChannel } from "../../discord/rest/requests/channel.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { createExplainDenial } from "../../discord/rest/permissions/explain_denial.ts";
import type { Logging } from "../../log.ts";
import { composeSend } from "../../render/reply.ts";
import { createSecretFilter } from "../../render/safety/secrets.ts";
import type { Store } from "../../store/store.ts";
import { createSharedInvalidRequests } from "../../discord/rest/scheduler/global_limit.ts";
import { createAccountRest } from "../../bot/account/account_rest.ts";
import { textRulesOf } from "../../account/rules.ts";

/** The bot may not attach files in the place of a message. The message names the permission. */
export class NoFilesError extends Error {
  override readonly name = "NoFilesError";
}

export interface ComposedMessage {
  readonly channelId: ChannelId;
  /** Absent in direct messages, and if Discord could not be asked. */
  readonly guildId?: GuildId;
  /** Its parts, in order. Each has a nonce, so the outbox takes a repeated one once. */
  readonly messages: readonly Frozen[];
}

const now = (): number => Date.now();

/** Creates the composer of an account. Rejects if the store cannot be read. */
export async function createComposer(options: {
  readonly config: Config;
  readonly token: string;
  /** Base URL of Discord's REST API. */
  readonly apiBase: string;
  /** Barnacle's version, for the User-Agent. */
  readonly version: string;
  readonly store: Pick<Store, "gateway" | "outbox">;
  readonly logging: Logging;
  /**
   * Unix time in milliseconds. Finding the place does not wait for a rate limit that lasts longer.
   */
  readonly notAfter: number;
}) {
  const { config, store, logging, notAfter } = options;
  const { accountId } = config.discord;
  const log = logging.forPart("delivery");
  let isRefused = false;
  const invalidRequests = await createSharedInvalidRequests({ store, now, log }).of(accountId);
  const client = createAccountRest({ ...options, invalidRequests }, {
    events: { tokenRefused: () => void (isRefused = true) },
    now,
    log,
  });
  const self = (await store.gateway.loadAccount(accountId)).self?.userId;
  const explainDenial = createExplainDenial(client, now);
  const api: RestApi = {
    request: (method, path, asked) => client.request(method, path, { ...asked, notAfter }),
  };
  const openDirect = createOpenDirect(api);
  const readChannel = createReadChannel(api);
  const clean = createSecretFilter(logging.secrets());
  const cleanSecrets = (text: string) => clean(text).text;

  async function placeOf(target: Target): Promise<Pick<ComposedMessage, "channelId" | "guildId">> {
    if (target.kind === "user") return { channelId: await openDirect(target.userId) };
    const { channelId } = target;
    try {
      return { channelId, ...await readChannel(channelId) };
    } catch (error) {
      const isAnswer = error instanceof RestError && error.code !== undefined;
      if (isAnswer || isRefused) throw error;
      const { guildId } = target; // Discord cannot be reached now: the queue sends the message later
      return { channelId, guildId: guildId || undefined };
    }
  }

  /** If Discord cannot be asked, the request with the file tells. */
  async function assertTakesFiles(place: Pick<ComposedMessage, "channelId" | "guildId">) {
    if (self === undefined) return;
    const denial = await explainDenial({ ...place, userId: self }, ["Attach Files"])
      .catch(() => undefined);
    if (denial) throw new NoFilesError(denial.text);
  }

  return {
    /**
     * Composes a message.
     *
     * @throws {NoFilesError} If there are files, and the bot may not attach any there.
     * @throws {RestError} If Discord does not have the place, or cannot be asked for a direct
     * channel.
     */
    async compose(
      target: Target,
      text: string,
      files: readonly OutboundFile[],
    ): Promise<ComposedMessage> {
      const place = await placeOf(target);
      if (files.length > 0) await assertTakesFiles(place);
      const { index } = restoreIndex(await store.gateway.guildsOf(accountId)); // the guilds that a running bot stored last
      const uploadLimit = uploadLimitOf(index, place.guildId);
      const rules = {
        ...textRulesOf(config, { cleanSecrets, uploadLimit }),
        ...(files.length === 0 && !takesFiles(index, place, self) &&
          { takesNoFiles: true } as const),
      };
      const key = `send ${randomUUID()}`;
      const messages = composeSend({ accountId, ...place, text, files }, rules)
        .map(({ message, ...rest }, index) => ({
          ...rest,
          message: { ...message, nonce: nonceOfCall(key, index) },
        }));
      return { ...place, messages };
    },
    /** Whether Discord has refused the token. */
    isRefused: (): boolean => isRefused,
    stop: (): void => client.stop(),
  };
}

export type Composer = Awaited<ReturnType<typeof createComposer>>;
