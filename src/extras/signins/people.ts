/** Keeps people's logins and connections: each person has their own, with their own token (T13a). */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import type { McpLoginState } from "../../core/people/mcp_login.ts";
import type { Tool } from "../../core/turn/tool.ts";
import { OWN_LOGINS } from "../../host/files/data_dir.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { McpPorts, McpServer } from "../../mcp/connection.ts";
import { scopesOf } from "../../mcp/oauth/challenge.ts";
import { createLogins, type Login, type McpHttpServer } from "../../mcp/oauth/logins.ts";
import { mcpStates } from "../../mcp/server_logins.ts";
import { createMcpServers, type McpServers } from "../../mcp/servers.ts";
import { sealingFor } from "./sealing.ts";

const UNUSED_MS = 90 * DAY_MS;
const MAX_PEOPLE = 100;

/** A server at which each person signs in. */
export type EachServer = McpServer & {
  readonly transport: { readonly kind: "http" } & McpHttpServer;
};

export function createPeople({ accountId, dataDir, key, servers, hasLeft, ports }: {
  readonly accountId: string;
  readonly dataDir: string;
  readonly key: () => Parameters<typeof sealingFor>[0];
  readonly servers: () => readonly EachServer[];
  readonly hasLeft: (userId: UserId) => Promise<boolean>;
  readonly ports: Pick<McpPorts, "version" | "now" | "schedule" | "log">;
}) {
  const { now } = ports;
  const folder = join(dataDir, OWN_LOGINS);
  const connected = new Map<UserId, McpServers>();
  const loginsOf = (userId: UserId) =>
    createLogins(join(folder, userId, accountId), sealingFor(key(), userId));
  const loginAt = (userId: UserId, { id, transport }: EachServer) =>
    loginsOf(userId).read(id, transport.url);
  const keep = (userId: UserId, { id }: EachServer, login: Login) =>
    loginsOf(userId).write(id, { ...login, usedAt: now() });

  /** Connects the person to the servers that have a token of theirs, and to no others. */
  function connect(userId: UserId): McpServers | undefined {
    const mine = servers().filter((server) => loginAt(userId, server)?.tokens);
    const before = connected.get(userId);
    connected.delete(userId);
    if (mine.length === 0) return void before?.close();
    before?.apply(mine);
    const current = before ?? createMcpServers(mine, {
      ...ports,
      logins: loginsOf(userId),
      confine: () => Promise.reject(new TypeError("a program has no sign-in")),
      seen: { look: () => undefined, of: () => undefined },
      onSignIn: () => true, // the person's turn asks them
    });
    connected.set(userId, current); // the newest one
    const [oldest] = connected;
    if (oldest && connected.size > MAX_PEOPLE) {
      connected.delete(oldest[0]);
      void oldest[1].close();
    }
    return current;
  }

  /** @param server As a person writes it. */
  function end(userId: UserId, server: string): boolean {
    const logins = loginsOf(userId);
    const isEnded = logins.ids().includes(server) && logins.remove(server);
    if (isEnded) connect(userId);
    return isEnded;
  }

  /** Ends logins that are unused, of servers that the config lacks, or of people who have left. */
  async function sweep(of?: UserId): Promise<void> {
    const all = existsSync(folder) ? readdirSync(folder) : [];
    const ids = of === undefined ? all.map((name) => parseSnowflake<"user">(name)) : [of];
    for (const userId of ids.filter((id) => id !== undefined)) {
      const ids = loginsOf(userId).ids();
      const isGone = ids.length > 0 && await hasLeft(userId);
      for (const id of ids) {
        const server = servers().find((one) => one.id === id);
        const { usedAt = 0 } = server && loginAt(userId, server) || {};
        if (isGone || now() - usedAt > UNUSED_MS) end(userId, id);
      }
    }
  }

  return {
    ...{ loginAt, keep, end, sweep },
    /** Connects the person for a turn, which counts as a use. */
    async ready(userId: UserId): Promise<void> {
      await sweep(userId);
      for (const server of servers()) {
        const login = loginAt(userId, server);
        if (login?.tokens && now() - (login.usedAt ?? 0) > DAY_MS) keep(userId, server, login);
      }
      await connect(userId)?.list(() => true);
    },
    tools: (userId: UserId): readonly Tool[] => connected.get(userId)?.tools() ?? [],
    states: (userId: UserId): readonly McpLoginState[] =>
      mcpStates(servers(), loginsOf(userId), []),
    /** Whether a server takes the person's login, as far as their connection tells. */
    isSignedIn(userId: UserId, server: EachServer): boolean {
      const { tokens, wantedScope } = loginAt(userId, server) ?? {};
      const state = connected.get(userId)?.states().find(({ id }) => id === server.id)?.state;
      return tokens !== undefined && state === "ready" &&
        scopesOf(tokens.scope, wantedScope) === scopesOf(tokens.scope, undefined);
    },
    close: () => Promise.all([...connected.values()].map((one) => one.close())),
  };
}

export type People = ReturnType<typeof createPeople>;
