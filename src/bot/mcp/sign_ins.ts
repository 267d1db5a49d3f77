/**
 * Signs in to MCP servers for owners in Discord, by `/mcp` (T13).
 *
 * It does the same as `barnacle mcp`. If the owner's browser is on the bot's machine, it comes back
 * to a port of the loopback address. Otherwise the owner gives the browser's last address with the
 * command. A sign-in lives in this process: after a restart, the owner begins anew.
 *
 * @module
 */

import type { BotConfig } from "../../config/config.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { McpSignIns } from "../../interactions/base/context.ts";
import type { Log } from "../../lib/log.ts";
import { type Callback, listenForCallback, pastedUrl } from "../../host/sign_in_callback.ts";
import type { PendingLogin } from "./logins.ts";

/** The dependencies of the sign-ins. */
export interface McpSignInsOptions {
  /** The current config. */
  readonly config: () => Pick<BotConfig, "mcp">;
  /** The data directory, which keeps the logins. */
  readonly dataDir: string;
  /** A browser has come back; `problem` is absent if the login is stored. */
  readonly onEnded: (userId: UserId, serverId: string, problem?: string) => void;
  /** Ends all sign-ins. */
  readonly stopping: AbortSignal;
  /** Gets ports that cannot be opened. */
  readonly log: Log;
}

/** A sign-in that waits for an owner's browser. */
interface Waiting {
  readonly serverId: string;
  readonly userId: UserId;
  readonly pending: PendingLogin;
  end(): void;
}

/** Milliseconds to wait for a browser. */
const WAIT_MS = 10 * 60_000;
/** Sign-ins that wait at once; one more ends the oldest. */
const MAX_WAITING = 8;
/** Longest address that is read, in UTF-16 units. */
const MAX_ADDRESS = 16_384;

/** Creates the port of `/mcp`. Code for sign-ins is loaded with the first one. */
export function createMcpSignIns(
  { config, dataDir, onEnded, stopping, log }: McpSignInsOptions,
): McpSignIns {
  const waiting = new Set<Waiting>();
  const logins = () => import("./logins.ts");
  stopping.addEventListener("abort", () => waiting.forEach((one) => one.end()), { once: true });

  function keep(serverId: string, userId: UserId, pending: PendingLogin, callback?: Callback) {
    for (const one of waiting) {
      if (one.serverId === serverId && one.userId === userId) one.end();
    }
    const [oldest] = waiting;
    if (oldest && waiting.size >= MAX_WAITING) oldest.end();
    const timer = setTimeout(() => mine.end(), WAIT_MS);
    const mine: Waiting = {
      serverId,
      userId,
      pending,
      end() {
        clearTimeout(timer);
        waiting.delete(mine);
        callback?.close();
      },
    };
    waiting.add(mine);
    void callback?.wait(pending.isOurs, WAIT_MS).then(async (answer) => {
      if (!answer || !waiting.has(mine)) return;
      onEnded(userId, serverId, await finished(mine, answer));
    });
  }

  /** @returns The problem; absent if the login is stored. */
  async function finished(one: Waiting, answer: URLSearchParams): Promise<string | undefined> {
    one.end();
    try {
      await one.pending.finish(answer);
      return undefined;
    } catch (error) {
      return wordsOf(error);
    }
  }

  async function listen(port: number): Promise<Callback | undefined> {
    try {
      return await listenForCallback(port);
    } catch (error) {
      log.warn("Cannot wait for a browser on this machine; its address can be given", {
        port,
        error,
      });
      return undefined;
    }
  }

  return {
    ids: () => Object.keys(config().mcp.servers),
    states: async () => (await logins()).mcpStates(config(), dataDir),
    async begin(serverId, userId) {
      const { beginLogin, signInServer } = await logins();
      const found = signInServer(config(), serverId);
      if (found.kind === "problem") return found;
      const port = found.server.oauth?.callbackPort;
      const callback = await listen(port ?? 0);
      try {
        const url = callback?.url ?? pastedUrl(port);
        const pending = await beginLogin(serverId, found.server, url, dataDir);
        keep(serverId, userId, pending, callback);
        return { kind: "begun", address: pending.address };
      } catch (error) {
        callback?.close();
        return { kind: "problem", problem: wordsOf(error) };
      }
    },
    async finish(serverId, userId, address) {
      const written = address.trim().slice(0, MAX_ADDRESS);
      const answer = URL.canParse(written) ? new URL(written).searchParams : undefined;
      const mine = [...waiting].find((one) =>
        one.serverId === serverId && one.userId === userId && answer && one.pending.isOurs(answer)
      );
      if (!mine || !answer) return { kind: "unknown" };
      const problem = await finished(mine, answer);
      return problem === undefined ? { kind: "done" } : { kind: "problem", problem };
    },
    logout: async (serverId) => (await logins()).endLogin(serverId, dataDir),
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
