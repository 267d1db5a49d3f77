/**
 * Opens a data directory for `barnacle send`, decides which process sends the outbox, and sends single
 * messages through it without a gateway.
 *
 * A running bot takes the messages over its socket, and sends them: two processes that empty one
 * outbox would send everything twice.
 *
 * The sender is the process that holds the directory's lock: the bot, or else this command. If another
 * `barnacle send` holds it, that process sends its own message and exits. This process then takes the
 * lock over, since no other one would send the rest.
 */

import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
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
import { createApplications } from "../../discord/rest/requests/application.ts";
import { createOpenDirect, createReadChannel } from "../../discord/rest/requests/channel.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import type { Logging } from "../../log.ts";
import { composeSend } from "../../render/reply.ts";
import { createSecretFilter } from "../../render/safety/secrets.ts";
import type { Store } from "../../store/store.ts";
import { createDelivery, type DeliveryOptions } from "../../bot/outbound/delivery.ts";
import { createSharedInvalidRequests } from "../../discord/rest/scheduler/global_limit.ts";
import { createAccountRest, NO_REST_EVENTS } from "../../bot/outbound/rest.ts";
import { textRulesOf } from "../../bot/rules/turn_rules.ts";
import { DATABASE_NAME, prepareDataDir } from "../../host/files/data_dir.ts";
import { serveSocket } from "../../host/bot_socket.ts";
import { readHolder } from "../../host/locks/lock.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { lockForCommand, lockOf } from "../../cli/shared/running_bot.ts";
import { type CommandStore, openBeside, openLocked } from "../../cli/shared/store_access.ts";
import { createCallHandler } from "../../cli/shared/store_methods.ts";

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

/** The caller reads the result of each message. */
const NO_DELIVERY_EVENTS: DeliveryOptions["events"] = {
  emit: {
    delivered: () => {},
    attempted: () => {},
    parked: () => {},
    setAside: () => {},
    dead: () => {},
    filesRefused: () => {},
  },
};

/** Creates a sender for an account. Rejects if the store cannot be read. */
export async function createOutboxSender(options: {
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
    events: () => ({ ...NO_REST_EVENTS, tokenRefused: () => void (isRefused = true) }),
    now,
    log,
  });
  let self = (await store.gateway.loadAccount(accountId)).self?.userId;
  const { channelQueues, explainNoFiles } = createDelivery({
    config,
    outbox: store.outbox,
    client,
    log,
    self: () => self,
    events: NO_DELIVERY_EVENTS,
    now,
  });
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

  /**
   * The bot's own id is needed to search a channel for a message, or to name a missing permission. A
   * bot stores it only after its first connection. If Discord cannot be reached now, the queue waits
   * for the id as well.
   */
  async function learnSelf(): Promise<void> {
    self ??= await createApplications(api).self().catch(() => undefined);
  }

  /** If Discord cannot be asked, the request with the file tells. */
  async function assertTakesFiles(place: Pick<ComposedMessage, "channelId" | "guildId">) {
    const reason = await explainNoFiles(place).catch(() => undefined);
    if (reason !== undefined) throw new NoFilesError(reason);
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
      if (files.length > 0) {
        await learnSelf();
        await assertTakesFiles(place);
      }
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
    /** Sends the waiting messages of a channel. No other process may be sending from this outbox. */
    async setOut(channelId: ChannelId): Promise<void> {
      await learnSelf();
      channelQueues.wake([channelId]);
    },
    /** Whether Discord has refused the token. */
    isRefused: (): boolean => isRefused,
    /** Ends it, and resolves once nothing runs. */
    async stop(): Promise<void> {
      client.stop();
      await channelQueues.stop();
    },
  };
}

/** Composes single messages for the outbox, and sends them. */
export type OutboxSender = Awaited<ReturnType<typeof createOutboxSender>>;

/**
 * Opens the directory, and takes its lock if it is free. With the lock, it takes requests of other
 * commands meanwhile.
 *
 * @throws {StartError} If a bot is just starting, or the data are of another version.
 */
export async function openDataDirectory(dataDir: string) {
  prepareDataDir(dataDir);
  let opened = await takeForSend() ?? beside();

  async function takeForSend(): Promise<CommandStore | undefined> {
    const lock = await lockForCommand(dataDir);
    if (lock.kind === "taken") return undefined;
    const { close, ...opened } = openLocked(dataDir, lock);
    const { store } = opened;
    const server = await serveSocket(dataDir, createCallHandler(store, () => {}))
      .catch(() => undefined); // then another command waits until this one has exited
    return {
      ...opened,
      async close() {
        await server?.close();
        await close();
      },
    };
  }

  function beside(): CommandStore {
    if (!existsSync(join(dataDir, DATABASE_NAME))) {
      throw new StartError(`a bot is just starting in ${dataDir}; try again`, EXIT.tryAgain);
    }
    return openBeside(dataDir);
  }

  function sender(): "us" | "bot" | "another" {
    if (opened.holder === "us") return "us";
    return readHolder(lockOf(dataDir))?.isCommand ? "another" : "bot";
  }

  return {
    /** The open store; another one after `takeOver`. */
    store: (): Store => opened.store,
    /** The sender of the outbox: this process, the bot, or another `barnacle send`. */
    sender,
    /**
     * Takes the lock over once another `barnacle send` has exited.
     *
     * @returns Whether this process is the sender now.
     */
    async takeOver(): Promise<boolean> {
      const taken = sender() === "another" ? await takeForSend() : undefined;
      if (taken) {
        await opened.close();
        opened = taken;
      }
      return opened.holder === "us";
    },
    /** Closes the store and releases the lock. */
    close: (): Promise<void> => opened.close(),
  };
}

export type DataDirectory = Awaited<ReturnType<typeof openDataDirectory>>;
