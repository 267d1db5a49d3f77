/**
 * Sends single messages through the outbox, without a gateway: what
 * `barnacle send` is made of.
 *
 * Beside a bot that runs it only puts them there: two that empty one outbox
 * would send everything twice.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { ChannelId, GuildId } from "../core/ids.ts";
import type { OutboundFile } from "../core/outbound.ts";
import type { Target } from "../core/target.ts";
import { createReadChannel } from "../discord/rest/channel.ts";
import { createOpenDirect } from "../discord/rest/direct.ts";
import { RestError } from "../discord/rest/rest_error.ts";
import { readSelf } from "../discord/rest/self.ts";
import type { Logging } from "../log.ts";
import { composeSend } from "../render/reply.ts";
import { createSecretFilter } from "../render/secrets.ts";
import type { Fate } from "../store/fates.ts";
import type { Store } from "../store/store.ts";
import { deliveryOf } from "./delivery.ts";
import { restOf } from "./rest.ts";
import { textRulesOf } from "./turn_rules.ts";

export interface CourierOptions {
  readonly config: Config;
  readonly token: string;
  /** Base of Discord's REST API. */
  readonly apiBase: string;
  /** Barnacle's own, for the User-Agent. */
  readonly version: string;
  readonly store: Store;
  readonly logging: Logging;
  /** Whether no bot empties this outbox. */
  readonly isAlone: boolean;
}

/** A message on its way, part by part. */
export interface Consignment {
  readonly channelId: ChannelId;
  /** Absent in direct messages, and where Discord could not be asked. */
  readonly guildId?: GuildId;
  /** What has become of its parts, in their order. */
  fates(): Promise<readonly Fate[]>;
}

export interface Courier {
  /**
   * Puts a message into the outbox, and sets out with it.
   *
   * @throws {RestError} If Discord knows no such place, or cannot be asked for a direct channel.
   */
  send(target: Target, text: string, files: readonly OutboundFile[]): Promise<Consignment>;
  /** Whether Discord has refused the token. */
  isRefused(): boolean;
  stop(): Promise<void>;
}

const now = (): number => Date.now();

export async function openCourier(options: CourierOptions): Promise<Courier> {
  const { config, store, logging, isAlone } = options;
  const { accountId } = config.discord;
  const log = logging.forPart("delivery");
  let isRefused = false;
  const client = await restOf(options, {
    onRequest: () => {},
    onTokenRefused: () => void (isRefused = true),
    onStopped: () => {},
    now,
    log,
  });
  let self = (await store.loadAccount(accountId)).self?.userId;
  const { lanes } = deliveryOf(
    { config, store, client, logging, self: () => self, now },
    // Whoever sends sees what becomes of it.
    { onDelivery: () => {}, onParked: () => {}, onDead: () => {} },
  );
  const openDirect = createOpenDirect(client);
  const readChannel = createReadChannel(client);
  const clean = createSecretFilter(logging.secrets());
  const rules = textRulesOf(config, (text) => clean(text).text);

  async function placeOf(target: Target) {
    if (target.kind === "user") return { channelId: await openDirect(target.userId) };
    const { channelId } = target;
    try {
      return { channelId, ...await readChannel(channelId) };
    } catch (error) {
      const isAnswer = error instanceof RestError && error.code !== undefined;
      if (isAnswer || isRefused) throw error;
      const { guildId } = target; // Discord cannot be asked now: it is sent once it can
      return { channelId, ...(guildId && { guildId }) };
    }
  }

  return {
    async send(target, text, files) {
      const place = await placeOf(target);
      const ids: number[] = [];
      for (const frozen of composeSend({ accountId, ...place, text, files }, rules)) {
        ids.push((await store.outbox.add(frozen, now())).id);
      }
      if (isAlone) {
        // Without it nobody could look for a message, or say which permission is missing.
        self ??= await readSelf(client).catch(() => undefined); // the lane waits for Discord then
        lanes.wake([place.channelId]);
      }
      return { ...place, fates: () => store.outbox.fatesOf(ids) };
    },
    isRefused: () => isRefused,
    async stop() {
      client.stop();
      await lanes.stop();
    },
  };
}
