/** Keeps people's logins and connections: each person has their own, with their own token (T13a). */

import { existsSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import type { McpLoginState } from "../../core/mcp_state.ts";
import type { Tool } from "../../core/turn/tool.ts";
import { OWN_LOGINS } from "../../host/files/data_dir.ts";
import { DAY_MS, type StartTimer } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { McpServer } from "../../mcp/server.ts";
import { scopesOf } from "../../mcp/oauth/provider.ts";
import {
  createLogins,
  createSealing,
  type Login,
  type McpHttpServer,
} from "../../mcp/oauth/logins.ts";
import { mcpStates } from "../../mcp/sign_in.ts";
import { createMcpServers, type McpServers } from "../../mcp/servers.ts";

const UNUSED_MS = 90 * DAY_MS;
const MAX_CONNECTIONS = 100;

export type EachServer = McpServer & {
  readonly transport: { readonly kind: "http" } & McpHttpServer;
};

export function createPeople({ accountId, dataDir, secret, servers, hasLeft, ports }: {
  readonly accountId: string;
  readonly dataDir: string;
  /** The bot's token. */
  readonly secret: () => string;
  readonly servers: () => readonly EachServer[];
  readonly hasLeft: (userId: UserId) => Promise<boolean>;
  readonly ports: {
    readonly version: string;
    readonly now: () => number;
    readonly schedule: StartTimer;
    readonly log: Log;
  };
}) {
  const { now } = ports;
  const connected = new Map<string, McpServers>();
  const keyOf = (userId: UserId, { id }: EachServer) => `${userId} ${id}`;
  const folderOf = (userId: UserId) => join(dataDir, OWN_LOGINS, userId, accountId);
  const loginsOf = (userId: UserId) =>
    createLogins(folderOf(userId), createSealing(secret(), userId));
  const loginAt = (userId: UserId, { id, transport }: EachServer) =>
    loginsOf(userId).read(id, transport.url);
  /** The folder's time is that of the last use. */
  const use = (userId: UserId) => utimesSync(folderOf(userId), now() / 1_000, now() / 1_000);

  /** Connects the person to a server that has a token of theirs; otherwise, ends the connection. */
  function connect(userId: UserId, server: EachServer): McpServers | undefined {
    const key = keyOf(userId, server);
    const before = connected.get(key);
    connected.delete(key);
    if (!loginAt(userId, server)?.tokens) return void before?.close();
    before?.apply([server]);
    const current = before ?? createMcpServers([server], {
      ...ports,
      isOwn: true,
      logins: loginsOf(userId),
      confine: () => Promise.reject(new TypeError("a program has no sign-in")),
      seen: { look: () => undefined, of: () => undefined },
      onSignIn: () => true, // the person's turn asks them
    });
    connected.set(key, current); // the newest one
    const [oldest] = connected;
    if (oldest && connected.size > MAX_CONNECTIONS) {
      connected.delete(oldest[0]);
      void oldest[1].close();
    }
    return current;
  }

  return {
    loginAt,
    keep(userId: UserId, { id }: EachServer, login: Login): void {
      loginsOf(userId).write(id, login);
      use(userId);
    },
    /** @param named As a person writes it. */
    end(userId: UserId, named: string): boolean {
      const server = servers().find(({ id }) => id === named);
      const isEnded = server !== undefined && loginsOf(userId).remove(server.id);
      if (isEnded) connect(userId, server);
      return isEnded;
    },
    /** Ends logins that are unused, or of people who have left. */
    async sweep(): Promise<void> {
      const all = join(dataDir, OWN_LOGINS);
      for (const name of existsSync(all) ? readdirSync(all) : []) {
        const userId = parseSnowflake<"user">(name);
        const used = userId && statSync(folderOf(userId), { throwIfNoEntry: false });
        if (!used || now() - used.mtimeMs < UNUSED_MS && !await hasLeft(userId)) continue;
        rmSync(folderOf(userId), { recursive: true, force: true });
        for (const server of servers()) connect(userId, server);
      }
    },
    /** Connects the person for a turn, which counts as a use. */
    async ready(userId: UserId, server: EachServer): Promise<void> {
      const current = connect(userId, server);
      if (current) use(userId);
      // Some seconds at most: the turn has no other tools.
      for (let listed; (listed = current?.list(() => true)) !== undefined;) await listed;
    },
    tools: (userId: UserId, server: EachServer): readonly Tool[] =>
      connected.get(keyOf(userId, server))?.tools() ?? [],
    states: (userId: UserId): readonly McpLoginState[] => mcpStates(servers(), loginsOf(userId)),
    /** Whether a server takes the person's login, as far as their connection tells. */
    isSignedIn(userId: UserId, server: EachServer): boolean {
      const { tokens, wantedScope } = loginAt(userId, server) ?? {};
      const [current] = connected.get(keyOf(userId, server))?.states() ?? [];
      return tokens !== undefined && current?.state === "ready" &&
        scopesOf(tokens.scope, wantedScope) === scopesOf(tokens.scope, undefined);
    },
    close: () => Promise.all([...connected.values()].map((one) => one.close())),
  };
}

export type Everyone = ReturnType<typeof createPeople>;
