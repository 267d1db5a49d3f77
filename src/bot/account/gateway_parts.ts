/**
 * Creates the parts of an account that connect it to Discord.
 *
 * They are all that an IDENTIFY needs, and little code. So the account connects first and loads its
 * other parts meanwhile. Until these are ready, events of the gateway and of requests wait.
 *
 * @module
 */

import type { Reader } from "../../discord/gateway/read/reader.ts";
import {
  type Applications,
  createApplications,
  createReadGatewayInfo,
} from "../../discord/rest/calls/application.ts";
import { type RestClient, userAgentOf } from "../../discord/rest/client/client.ts";
import { API_VERSION } from "../../discord/rest/client/send.ts";
import { createLocate, isTokenRefused } from "../gateway/locate.ts";
import { createEmitter, createHold, type Emitter, type Hold } from "../../lib/emitter.ts";
import { proxyFor } from "../../lib/network/proxy.ts";
import type { AccountOptions, AccountPorts } from "../account_interface.ts";
import { type Connection, createConnection } from "../../discord/gateway/main/connection.ts";
import { type AccountPresence, createAccountPresence } from "../../flows/presence.ts";
import { createAccountRest, type RestEvents } from "../outbound/rest.ts";
import { type ConnectionState, createConnectionState } from "../preflight/connection_state.ts";
import { type RunningSettings, settingsOf } from "../account_context.ts";

/** The parts that connect an account. */
export interface GatewayParts {
  /** Config and models, which a reload replaces. */
  readonly settings: RunningSettings;
  /** Sends requests to Discord. */
  readonly client: RestClient;
  /** Events of requests to Discord. */
  readonly restEvents: Emitter<RestEvents>;
  /** Reads the application at Discord. */
  readonly applications: Applications;
  /** The account's state at Discord: its application, token and intents. */
  readonly connectionState: ConnectionState;
  /** Loads the reader of dispatches; the same one at each call. */
  readonly reader: () => Promise<Reader>;
  /** The presence that people see. */
  readonly presence: AccountPresence;
  /** The connection to the gateway. */
  readonly connection: Connection;
  /** Events of the connection and of requests wait until its release. */
  readonly events: Hold;
  /** Aborted when the grace period of a stop is over. */
  readonly stopping: AbortController;
}

/**
 * Creates the parts; `connection.start` begins to connect.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function createGatewayParts(
  options: AccountOptions,
  { meter, now }: Pick<AccountPorts, "meter" | "now">,
): Promise<GatewayParts> {
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
    ...options,
    checkModel: () => settings.checkModel(),
    applications,
    now,
    log: logging.forPart("preflight"),
  });
  let loading: Promise<Reader> | undefined;
  async function loadReader(): Promise<Reader> {
    const { createReader } = await import("../../discord/gateway/read/reader.ts");
    const guilds = await store.gateway.guildsOf(accountId);
    return createReader(
      { accountId, guilds, self: stored.self },
      (problem) => {
        meter.misfit();
        logging.forPart("gateway").warn("A dispatch has an unknown form", { ...problem });
      },
    );
  }
  const presence = await createAccountPresence({
    accountId,
    configured: options.config.discord.presence,
    settings: store.settings,
    show: (next) => connection.setPresence(next),
    now,
  });
  const gateway = {
    readGatewayInfo: createReadGatewayInfo(client, now),
    store: store.gateway,
    stopping: stopping.signal,
    now,
    log: logging.forPart("gateway"),
  };
  const connection = createConnection({
    ...options,
    accountId,
    gateway: options.config.discord.gateway,
    restUrl: `${options.apiBase}/v${API_VERSION}`,
    userAgent: userAgentOf(options.version),
  }, {
    ...gateway,
    locate: createLocate(accountId, stored, gateway),
    readApplication: connectionState.readApplication,
    isTokenRefused,
    proxyFor: (url) => proxyFor(url, env),
    presence: presence.current,
    hold: events,
  });
  return {
    settings,
    client,
    restEvents,
    applications,
    connectionState,
    reader: () => loading ??= loadReader(),
    presence,
    connection,
    events,
    stopping,
  };
}
