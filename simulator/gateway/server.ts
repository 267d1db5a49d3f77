/** The simulator's gateway: connections, sessions, and the events between them. */

import { parseSnowflake, type UserId } from "../../src/core/discord/ids.ts";
import type { Account, Accounts } from "./accounts.ts";
import { applicationFlags } from "../payloads/application.ts";
import {
  type Dispatch,
  toDispatch,
  toSightChanges,
  toThreadListSync,
  type Viewer,
} from "./dispatches.ts";
import { createGatewaySwitches, type GatewaySwitches } from "../notes/faults.ts";
import { createGatewayConnection, type GatewayConnection } from "./connection.ts";
import type { RequestMembers } from "./frames.ts";
import { createSessions, sendDispatch, type Session, type SessionState } from "./sessions.ts";
import { startSocketServer } from "./socket.ts";
import { toCreatedGuild } from "../payloads/guild.ts";
import { INTENT } from "../world/intents.ts";
import { searchMembers } from "../world/member_search.ts";
import { toMember, toOwnUser } from "../payloads/payloads.ts";
import type { VoiceWish } from "../world/voice_states.ts";
import type { IdentifyLimit } from "./identify_limit.ts";
import type { Guild, World, WorldEvent } from "../world/world.ts";

export interface GatewayOptions {
  readonly host: string;
  readonly now: () => number;
  readonly random: () => number;
  readonly heartbeatIntervalMs: number;
  readonly sessionTimeoutMs: number;
  readonly identifyLimit: IdentifyLimit;
  sessionEnded(id: string): void;
  /** Carries out op 4. */
  voice(userId: UserId, sessionId: string, wish: VoiceWish): void;
  /** Called when a session began, resumed or lost its connection. */
  readonly changed: () => void;
}

/** Faults of the gateway: the switches, and actions on current connections. */
export interface GatewayFaults extends GatewaySwitches {
  /**
   * Ends every connection: with a close code, or without one.
   *
   * @returns Number of ended connections.
   */
  drop(how: number | "fin" | "reset"): number;
  /** Sends op 7. */
  askReconnect(): void;
  /** Sends op 9; with `false` the sessions end. */
  invalidate(isResumable: boolean): void;
  /** Sends text unchanged: malformed, or in shapes that Discord has never sent. */
  sendRaw(text: string): void;
  /** Forgets all sessions, so that the next RESUME fails; connections stay. */
  forgetSessions(): void;
  /** Ends the outage of a guild: all its bots get their GUILD_CREATE. */
  bringGuild(id: string): void;
}

export interface Gateway {
  /** `ws://127.0.0.1:49153` */
  readonly url: string;
  readonly faults: GatewayFaults;
  /** Sends an event to all connections that may get it. */
  publish(events: readonly WorldEvent[]): void;
  /** Sessions that have a connection. */
  connected(): number;
  /** Connections since the start, with those that never identified. */
  opened(): number;
  /** Sessions that could be resumed, with a connection or without. */
  sessions(): readonly SessionState[];
  close(): Promise<void>;
}

/** Number of members in one GUILD_MEMBERS_CHUNK. */
const CHUNK_SIZE = 1_000;

export async function startGateway(
  world: World,
  accounts: Accounts,
  options: GatewayOptions,
): Promise<Gateway> {
  const { now, random } = options;
  const switches = createGatewaySwitches();
  const sessions = createSessions({
    timeoutMs: options.sessionTimeoutMs,
    ended: options.sessionEnded,
  }, random);
  const connections = new Set<GatewayConnection>();
  let opened = 0;
  let url = "";

  const dispatch: Send = (session, message) => {
    const shown = noteHidden(session, message);
    sendDispatch(session, message);
    for (const id of shown) {
      const threads = toThreadListSync(world, id, session.viewer);
      if (threads) sendDispatch(session, threads);
    }
  };

  const revoke = (account: Account) => {
    account.tokenResetAt = now();
    for (const session of sessions.alive(now())) {
      if (session.account !== account) continue;
      sessions.drop(session);
      session.connection?.close(4004, "Authentication failed.");
    }
  };

  const server = await startSocketServer({
    host: options.host,
    answerConnection() {
      if (switches.welcome === "accept") return "accept";
      const verdict = switches.welcome;
      switches.welcomeTimes -= 1;
      if (switches.welcomeTimes <= 0) {
        Object.assign(switches, { welcome: "accept", welcomeTimes: Infinity });
      }
      return verdict;
    },
    opened(link) {
      const { connection, listener } = createGatewayConnection(link, {
        ...options,
        accounts,
        sessions,
        switches,
        greet: (session) => greet(world, session, switches, url, dispatch),
        changed: options.changed,
        membersOf: (request, viewer) => memberChunks(world, request, viewer),
        dispatch,
        revoke,
      }, (ended) => {
        connections.delete(ended);
        options.changed();
      });
      connections.add(connection);
      opened++;
      return listener;
    },
  });
  url = `ws://${options.host}:${server.port}`;

  const faults: GatewayFaults = Object.assign(switches, {
    drop(how: number | "fin" | "reset") {
      const dropped = connections.size;
      for (const connection of connections) {
        if (typeof how === "number") connection.close(how, "Told to close.");
        else connection.link.cut(how);
      }
      return dropped;
    },
    askReconnect() {
      for (const connection of connections) connection.sendOp(7, null);
    },
    invalidate(isResumable: boolean) {
      for (const connection of connections) {
        if (connection.session && !isResumable) sessions.drop(connection.session);
        connection.sendOp(9, isResumable);
        if (!isResumable) connection.release();
      }
    },
    sendRaw(text: string) {
      for (const connection of connections) connection.send(text);
    },
    forgetSessions() {
      for (const session of sessions.alive(now())) sessions.drop(session);
    },
    bringGuild(id: string) {
      switches.unavailableGuilds.delete(id);
      for (const session of sessions.alive(now())) {
        const guild = guildsOf(world, session).find((guild) => guild.id === id);
        if (guild) bring(world, guild, session, dispatch);
      }
    },
  });

  return {
    url,
    faults,
    publish(events) {
      if (events.length === 0) return;
      for (const session of sessions.alive(now())) {
        for (const event of events) {
          const message = toDispatch(world, event, session.viewer);
          if (!message || isLost(message.d, switches)) continue;
          dispatch(session, message);
          for (const more of toSightChanges(world, event, session.viewer, session.hidden)) {
            dispatch(session, more);
          }
        }
      }
    },
    sessions: () =>
      sessions.alive(now()).map(({ id, seq, account, connection }) => ({
        id,
        seq,
        applicationId: account.application.id,
        isConnected: connection !== undefined,
      })),
    connected: () => sessions.alive(now()).filter(({ connection }) => connection).length,
    opened: () => opened,
    close: () => server.close(),
  };
}

/** Remembers the channels that a session saw without a name. @returns Those that it sees again. */
function noteHidden({ hidden }: Session, { t, d }: Dispatch): readonly unknown[] {
  const channels: unknown = t === "GUILD_CREATE"
    ? d["channels"]
    : t.startsWith("CHANNEL_")
    ? [d]
    : [];
  return (channels as readonly Dispatch["d"][]).flatMap(({ id, flags }) => {
    if (flags === 0) return hidden.delete(id) ? [id] : [];
    hidden.add(id);
    return [];
  });
}

/** Events of a guild with an outage reach no one. */
function isLost({ guild_id: guildId }: Dispatch["d"], switches: GatewaySwitches): boolean {
  return typeof guildId === "string" && switches.unavailableGuilds.has(guildId);
}

type Send = (session: Session, message: Dispatch) => void;

function guildsOf(world: World, { viewer }: Session): readonly Guild[] {
  return [...world.guilds.values()].filter((guild) => guild.members.has(viewer.userId));
}

function bring(world: World, guild: Guild, session: Session, dispatch: Send): void {
  if (!(session.viewer.intents & INTENT.guilds)) return;
  const d = toCreatedGuild(world, guild, session.viewer);
  dispatch(session, { t: "GUILD_CREATE", d });
}

/** READY, then each guild. */
function greet(
  world: World,
  session: Session,
  switches: GatewaySwitches,
  url: string,
  dispatch: Send,
): void {
  const { application } = session.account;
  const user = world.users.get(application.userId);
  if (!user) throw new RangeError(`Cannot greet application ${application.id}: it has no user`);
  const guilds = guildsOf(world, session);
  dispatch(session, {
    t: "READY",
    d: {
      v: 10,
      user: toOwnUser(user),
      guilds: guilds.map(({ id }) => ({ id, unavailable: true })),
      session_id: session.id,
      resume_gateway_url: url,
      shard: [0, 1],
      application: { id: application.id, flags: applicationFlags(application) },
      private_channels: [],
      relationships: [],
      user_settings: {},
      _trace: [],
    },
  });
  for (const guild of guilds) {
    if (!switches.unavailableGuilds.has(guild.id)) bring(world, guild, session, dispatch);
  }
}

/** Answers op 8: by prefix of the name, or by ids; all members only with the intent. */
function memberChunks(world: World, request: RequestMembers, viewer: Viewer) {
  const guildId = parseSnowflake<"guild">(request.guild_id);
  const guild = guildId && world.guilds.get(guildId);
  if (!guild?.members.has(viewer.userId)) return [];
  const ids = request.user_ids === undefined || request.user_ids === null
    ? undefined
    : [request.user_ids].flat();
  const prefix = request.query ?? "";
  if (!ids && prefix === "" && !(viewer.intents & INTENT.guildMembers)) return [];
  const limit = request.limit || Infinity;
  const found = ids
    ? [...guild.members.values()].filter(({ userId }) => ids.includes(userId)).slice(0, limit)
    : searchMembers(world, guild, prefix, limit);
  const count = Math.max(1, Math.ceil(found.length / CHUNK_SIZE));
  return Array.from({ length: count }, (_, index) => ({
    t: "GUILD_MEMBERS_CHUNK",
    d: {
      guild_id: guild.id,
      members: found.slice(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE)
        .map((member) => toMember(world, member)),
      chunk_index: index,
      chunk_count: count,
      not_found: ids?.filter((id) => !found.some(({ userId }) => userId === id)) ?? [],
      ...(request.nonce && { nonce: request.nonce }),
    },
  }));
}
