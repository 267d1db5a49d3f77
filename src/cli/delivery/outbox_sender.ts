/**
 * Opens a data directory for `barnacle send`, decides which process sends the outbox, and sends single
 * messages through it without a gateway.
 *
 * Beside a running bot it only adds messages to the outbox: two processes that empty one outbox
 * would send everything twice.
 *
 * The sender is the process that holds the directory's lock: the bot, or else this command. If another
 * `barnacle send` holds it, that process sends its own message and exits. This process then takes the
 * lock over, since no other one would send the rest.
 *
 * @module
 */

import { join } from "node:path";
import type { Config } from "../../config/config.ts";
import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { OutboundFile } from "../../core/outbound/outbound.ts";
import type { Target } from "../../core/outbound/target.ts";
import { restore, takesFiles, uploadLimitOf } from "../../discord/gateway/decode/guild_index.ts";
import { createApplications } from "../../discord/rest/calls/application.ts";
import { createOpenDirect, createReadChannel } from "../../discord/rest/calls/channel.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import type { Logging } from "../../log.ts";
import { composeSend } from "../../render/reply.ts";
import { createSecretFilter } from "../../render/safety/secrets.ts";
import type { SendResult } from "../../core/store/outbox.ts";
import type { Store } from "../../core/store/store.ts";
import { createDelivery, type DeliveryOptions } from "../../bot/outbound/delivery.ts";
import { createSharedInvalidRequests } from "../../discord/rest/scheduler/global_limit.ts";
import { createAccountRest, NO_REST_EVENTS } from "../../bot/outbound/rest.ts";
import { textRulesOf } from "../../bot/rules/turn_rules.ts";
import { DATABASE_NAME, prepareDataDir } from "../../host/files/data_dir.ts";
import { acquireLock, type Lock, readHolder } from "../../host/locks/lock.ts";
import { openStore } from "../../store/store.ts";
import { EXIT } from "../shared/exit_code.ts";
import { lockOf } from "../shared/running_bot.ts";
import { StartError } from "../shared/start_error.ts";
import { openBeside, reportRefusedRecord } from "../shared/store_access.ts";

/** The settings and dependencies of the sender. */
export interface OutboxSenderOptions {
  /** The account's config. */
  readonly config: Config;
  /** The bot's token, a secret. */
  readonly token: string;
  /** Base URL of Discord's REST API. */
  readonly apiBase: string;
  /** Barnacle's version, for the User-Agent. */
  readonly version: string;
  /** Methods of the store. */
  readonly store: Pick<Store, "gateway" | "outbox">;
  /** The process's log, by part. */
  readonly logging: Logging;
  /**
   * Unix time in milliseconds. Finding the place does not wait for a rate limit that lasts longer.
   */
  readonly notAfter: number;
}

/** The bot may not attach files in the place of a message. The message names the permission. */
export class NoFilesError extends Error {
  /** The name of the class. */
  override readonly name = "NoFilesError";
}

/** A message in delivery, with its parts. */
export interface StoredMessage {
  /** The channel. */
  readonly channelId: ChannelId;
  /** Absent in direct messages, and if Discord could not be asked. */
  readonly guildId?: GuildId;
  /** The results of its parts, in order. */
  sendResults(): Promise<readonly SendResult[]>;
}

/** Adds single messages to the outbox and sends them. */
export interface OutboxSender {
  /**
   * Adds a message to the outbox.
   *
   * @throws {NoFilesError} If there are files, and the bot may not attach any there.
   * @throws {RestError} If Discord does not have the place, or cannot be asked for a direct
   * channel.
   */
  send(target: Target, text: string, files: readonly OutboundFile[]): Promise<StoredMessage>;
  /** Sends the waiting messages of a channel. No other process may be sending from this outbox. */
  setOut(channelId: ChannelId): Promise<void>;
  /** Whether Discord has refused the token. */
  isRefused(): boolean;
  /** Ends it, and resolves once nothing runs. */
  stop(): Promise<void>;
}

const now = (): number => Date.now();

/** The caller reads the result of each message. */
const NO_DELIVERY_EVENTS: DeliveryOptions["events"] = {
  emit: {
    delivered: () => {},
    parked: () => {},
    setAside: () => {},
    dead: () => {},
    filesRefused: () => {},
  },
};

/** Creates a sender for an account. Rejects if the store cannot be read. */
export async function createOutboxSender(options: OutboxSenderOptions): Promise<OutboxSender> {
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
    texts: () => config.texts,
    outbox: store.outbox,
    client,
    logging,
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

  async function placeOf(target: Target): Promise<Pick<StoredMessage, "channelId" | "guildId">> {
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
  async function assertTakesFiles(place: Pick<StoredMessage, "channelId" | "guildId">) {
    const reason = await explainNoFiles(place).catch(() => undefined);
    if (reason !== undefined) throw new NoFilesError(reason);
  }

  return {
    async send(target, text, files) {
      const place = await placeOf(target);
      if (files.length > 0) {
        await learnSelf();
        await assertTakesFiles(place);
      }
      const { index } = restore(await store.gateway.guildsOf(accountId)); // the guilds that a running bot stored last
      const uploadLimit = uploadLimitOf(index, place.guildId);
      const rules = {
        ...textRulesOf(config, { cleanSecrets, uploadLimit }),
        ...(files.length === 0 && !takesFiles(index, place, self) &&
          { takesNoFiles: true } as const),
      };
      const composed = composeSend({ accountId, ...place, text, files }, rules);
      const ids = (await store.outbox.addAll(composed, now())).map(({ id }) => id);
      return { ...place, sendResults: () => store.outbox.sendResultsOf(ids) };
    },
    async setOut(channelId) {
      await learnSelf();
      channelQueues.wake([channelId]);
    },
    isRefused: () => isRefused,
    async stop() {
      client.stop();
      await channelQueues.stop();
    },
  };
}

/** An open data directory. */
export interface DataDirectory {
  /** The open store. */
  readonly store: Store;
  /** The sender of the outbox: this process, the bot, or another `barnacle send`. */
  sender(): "us" | "bot" | "another";
  /**
   * Takes the lock over once another `barnacle send` has exited.
   *
   * @returns Whether this process is the sender now.
   */
  takeOver(): Promise<boolean>;
  /** Closes the store and releases the lock. */
  close(): void;
}

/**
 * Opens the directory, and takes its lock if it is free.
 *
 * @throws {StartError} If a bot is just starting, or the data are of another version.
 */
export async function openDataDirectory(dataDir: string): Promise<DataDirectory> {
  prepareDataDir(dataDir);
  const path = lockOf(dataDir);
  let lock = await takeForSend(path);
  let store: Store | undefined;
  try {
    store = lock.kind === "held"
      ? openStore(join(dataDir, DATABASE_NAME), {
        now: Date.now(),
        elapsed: () => performance.now(),
        onRefused: reportRefusedRecord,
      })
      : openBeside(dataDir);
  } catch (error) {
    release();
    throw error;
  }
  if (!store) {
    throw new StartError(`a bot is just starting in ${dataDir}; try again`, EXIT.tryAgain);
  }

  function release(): void {
    if (lock.kind === "held") lock.release();
  }

  function sender(): ReturnType<DataDirectory["sender"]> {
    if (lock.kind === "held") return "us";
    return readHolder(path)?.isCommand ? "another" : "bot";
  }

  return {
    store,
    sender,
    async takeOver() {
      if (sender() === "another") lock = await takeForSend(path);
      return lock.kind === "held";
    },
    close() {
      store.close();
      release();
    },
  };
}

function takeForSend(path: string): Promise<Lock> {
  return acquireLock(path, Date.now(), undefined, { isCommand: true });
}
