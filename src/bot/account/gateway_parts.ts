/**
 * Creates the parts of an account that connect it to Discord.
 *
 * They are all that an IDENTIFY needs, and little code. So the account connects first and loads its
 * other parts meanwhile. Until these are ready, events of the gateway and of requests wait.
 */

import type { Reader } from "../../discord/gateway/read/reader.ts";
import {
  type Applications,
  createApplications,
  createReadGatewayInfo,
} from "../../discord/rest/requests/application.ts";
import { userAgentOf } from "../../discord/rest/client/client.ts";
import { toIntents } from "../../discord/gateway/read/intents.ts";
import { API_VERSION } from "../../discord/rest/client/send.ts";
import type { VoiceIndex } from "../../discord/gateway/read/voice_index.ts";
import { isTokenRefused, RestError } from "../../discord/rest/exchange/rest_error.ts";
import { createLocate } from "../../flows/preflight/locate_gateway.ts";
import { schedule } from "../../lib/clock.ts";
import { createEmitter, createHold } from "../../lib/emitter.ts";
import { proxyFor } from "../../lib/network/proxy.ts";
import type { AccountOptions, AccountPorts } from "../account_interface.ts";
import { createConnection } from "../../discord/gateway/main/connection.ts";
import { createAccountPresence } from "../../flows/presence.ts";
import { createAccountRest, type RestEvents } from "./account_rest.ts";
import { createConnectionState } from "../../flows/preflight/connection_state.ts";
import { settingsOf } from "../rules/setup.ts";

/**
 * Creates the parts; `connection.start` begins to connect.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function createGatewayParts(
  options: AccountOptions,
  { now }: Pick<AccountPorts, "now">,
) {
  const { store, logging, stored, env } = options;
  const { accountId } = options.config.discord;
  const settings = settingsOf(options);
  const stopping = new AbortController();
  const events = createHold();
  const restEvents = createEmitter<RestEvents>();
  const held: RestEvents = {
    request: events.wrap((request) => restEvents.emit.request(request)),
    served: events.wrap((channelId) => restEvents.emit.served(channelId)),
    tokenRefused: events.wrap(() => restEvents.emit.tokenRefused()),
    stopped: events.wrap((invalidRequests) => restEvents.emit.stopped(invalidRequests)),
  };
  const client = createAccountRest(options, {
    events: () => held,
    now,
    log: logging.forPart("delivery"),
  });
  const applications = createApplications(client);
  const connectionState = createConnectionState({
    schedule,
    now,
    log: logging.forPart("preflight"),
  }, {
    isEnabled: options.config.preflight.network,
    stored,
    events: { emit: held },
    readApplication: applications.me,
    saveOwners: (ownerIds) => store.gateway.saveOwners(accountId, ownerIds),
    examine: { ...examineOf(options, applications), models: () => settings.models.check() },
  });
  let voice: VoiceIndex | undefined;
  let loading: Promise<Reader> | undefined;
  async function loadReader(): Promise<Reader> {
    const { createReader } = await import("../../discord/gateway/read/reader.ts");
    if (options.config.voice) {
      const { createVoiceIndex } = await import("../../discord/gateway/read/voice_index.ts");
      voice = createVoiceIndex((shardId) => connection.renew(shardId));
    }
    const guilds = await store.gateway.guildsOf(accountId);
    let misfits = 0;
    return createReader(
      { accountId, guilds, self: stored.self, voice },
      (problem) => {
        misfits += 1;
        // A server may send nothing else, and the log has room for a few.
        if (!Number.isInteger(Math.log2(misfits))) return;
        const fields = { ...problem, misfits };
        logging.forPart("gateway").warn("A dispatch has an unknown form", fields);
      },
    );
  }
  const presence = await createAccountPresence({
    accountId,
    configured: options.config.discord.presence,
    store,
    show: (next) => connection.setPresence(next),
    now,
  });
  const readGatewayInfo = createReadGatewayInfo(client, now);
  const gateway = { stopping: stopping.signal, now, log: logging.forPart("gateway") };
  const connection = createConnection({
    ...options,
    accountId,
    gateway: options.config.discord.gateway,
    restUrl: `${options.apiBase}/v${API_VERSION}`,
    userAgent: userAgentOf(options.version),
  }, {
    ...gateway,
    readGatewayInfo,
    store: store.gateway,
    locate: createLocate({ ...gateway, accountId, store, schedule, random: Math.random }, stored, {
      readGatewayInfo,
      isTransient: (error) => error instanceof RestError && !isTokenRefused(error),
    }),
    readApplication: connectionState.readApplication,
    isTokenRefused,
    proxyFor: (url) => proxyFor(url, env),
    presence: presence.current,
    hold: events,
  });
  return {
    /** Config and models, which a reload replaces. */
    settings,
    client,
    restEvents,
    applications,
    /** The account's state at Discord: its application, token and intents. */
    connectionState,
    /** Loads the reader of dispatches; the same one at each call. */
    reader: (): Promise<Reader> => loading ??= loadReader(),
    /** Who is in voice channels; `undefined` if the config had no `voice` at the start. */
    voice: () => voice,
    presence,
    connection,
    /** Events of the connection and of requests wait until its release. */
    events,
    /** Aborted when the grace period of a stop is over. */
    stopping,
  };
}

export type GatewayParts = Awaited<ReturnType<typeof createGatewayParts>>;

/** How the preflight asks the network and Discord. Connecting goes first, and needs no answer of it. */
function examineOf(
  { config: { preflight, discord }, apiBase, env, stored, token }: AccountOptions,
  applications: Applications,
) {
  return {
    network: async () =>
      (await import("../preflight/examine.ts")).examineNetwork({
        apiBase,
        env,
        gatewayUrl: stored.gateway?.url,
        showsDns: preflight.dns,
        opensGateway: false,
      }),
    discord: async () =>
      (await import("../preflight/examine.ts")).examineDiscord({
        bot: { token, applications },
        tokenPlace: discord.tokenPlace,
        intents: toIntents(discord.gateway.intents, discord.gateway.reactions),
      }),
  };
}
