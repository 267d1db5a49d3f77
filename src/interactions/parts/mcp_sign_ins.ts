/**
 * Signs in to MCP servers for owners in Discord, by `/mcp` (T13).
 *
 * It does the same as `barnacle mcp`. If the owner's browser is on the bot's machine, it comes back
 * to a port of the loopback address. Otherwise the owner gives the browser's last address with the
 * command. A sign-in lives in this process: after a restart, the owner begins anew.
 */

import type { Account } from "../../core/account/account.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { McpLoginState } from "../../core/people/mcp_login.ts";
import { bounded } from "../../lib/text/cut.ts";

/** @param problem Why, in short: `"the server wants no sign-in"`. */
export const signInFailedText = (server: string, problem: string): string =>
  `I can't sign in to \`${server}\`: ${problem}.`;
/** @param server The server's name in the config. */
export const signedInText = (server: string): string => `I'm logged in to \`${server}\`.`;

export interface BegunSignIn {
  readonly address: string;
  /** Whether the query of an address belongs to this sign-in. */
  isOurs(answer: URLSearchParams): boolean;
  /** Gets the tokens and stores the login; rejects with the reason for the owner. */
  finish(answer: URLSearchParams): Promise<unknown>;
}

export interface McpServerLogins {
  states(): readonly McpLoginState[];
  find(serverId: string): { readonly kind: "problem"; readonly problem: string } | {
    readonly kind: "found";
    /** The port on this machine that the server knows; absent: any. */
    readonly port?: number;
    /** Begins a sign-in; rejects with the reason for the owner. */
    begin(redirectUrl: string): Promise<BegunSignIn>;
  };
  /** Deletes a login. @returns Whether there was one. */
  remove(serverId: string): boolean;
}

/** Waits on a port of this machine for the owner's browser. */
interface BrowserListener {
  readonly url: string;
  /** Resolves with the answer; `undefined` if none came in time, or the listener has ended. */
  wait(isOurs: BegunSignIn["isOurs"], timeoutMs: number): Promise<URLSearchParams | undefined>;
  close(): void;
}

/** A sign-in that waits for an owner's browser. */
interface WaitingSignIn {
  readonly serverId: string;
  readonly userId: UserId;
  readonly pending: BegunSignIn;
  end(): void;
}

/** Milliseconds to wait for a browser. */
const WAIT_MS = 10 * 60_000;
/** Sign-ins that wait at once; one more ends the oldest. */
const MAX_WAITING = 8;
/** Longest address that is read, in UTF-16 units. */
const MAX_ADDRESS = 16_384;

/** Creates the port of `/mcp`. The first sign-in loads the code of all. */
export function createMcpSignIns(
  account: Pick<Account, "schedule" | "stopping" | "log">,
  { serverIds, loadLogins, listen, pastedUrl, tellPerson }: {
    readonly serverIds: (login: "operator" | "each") => readonly string[];
    readonly loadLogins: () => Promise<McpServerLogins>;
    /** Listens on a port; 0: any free one. Rejects if it cannot be opened. */
    readonly listen: (port: number) => Promise<BrowserListener>;
    /** The address for a browser on another machine. */
    readonly pastedUrl: (port: number | undefined) => string;
    readonly tellPerson: (userId: UserId, text: string) => Promise<unknown>;
  },
) {
  const { schedule, stopping, log } = account;
  const waiting = new Set<WaitingSignIn>();
  stopping.addEventListener("abort", () => waiting.forEach((one) => one.end()), { once: true });

  function keep(
    serverId: string,
    userId: UserId,
    pending: BegunSignIn,
    callback?: BrowserListener,
  ) {
    for (const one of waiting) {
      if (one.serverId === serverId && one.userId === userId) one.end();
    }
    const [oldest] = waiting;
    if (oldest && waiting.size >= MAX_WAITING) oldest.end();
    const cancel = schedule(() => mine.end(), WAIT_MS);
    const mine: WaitingSignIn = {
      serverId,
      userId,
      pending,
      end() {
        cancel();
        waiting.delete(mine);
        callback?.close();
      },
    };
    waiting.add(mine);
    void callback?.wait(pending.isOurs, WAIT_MS).then(async (answer) => {
      if (!answer || !waiting.has(mine)) return;
      const problem = await finished(mine, answer);
      if (problem === undefined) {
        log.warn("An owner signed in to an MCP server", { by: userId, server: serverId });
      }
      await tellPerson(userId, endText(serverId, problem)).catch((error: unknown) =>
        log.warn("Cannot tell an owner about a sign-in", { userId, server: serverId, error })
      );
    });
  }

  /** @returns The problem; absent if the login is stored. */
  async function finished(
    one: WaitingSignIn,
    answer: URLSearchParams,
  ): Promise<string | undefined> {
    one.end();
    try {
      await one.pending.finish(answer);
      return undefined;
    } catch (error) {
      return wordsOf(error);
    }
  }

  async function tryListen(port: number): Promise<BrowserListener | undefined> {
    try {
      return await listen(port);
    } catch (error) {
      log.warn("Cannot wait for a browser on this machine; its address can be given", {
        port,
        error,
      });
      return undefined;
    }
  }

  return {
    /** Names of all servers of the config. */
    ids: serverIds,
    states: async (): Promise<readonly McpLoginState[]> => (await loadLogins()).states(),
    /** Begins a sign-in; an older one of the person at this server ends. */
    async begin(serverId: string, userId: UserId): Promise<
      | { readonly kind: "begun"; readonly address: string }
      | { readonly kind: "problem"; readonly problem: string }
    > {
      const found = (await loadLogins()).find(serverId);
      if (found.kind === "problem") return found;
      const callback = await tryListen(found.port ?? 0);
      try {
        const pending = await found.begin(callback?.url ?? pastedUrl(found.port));
        keep(serverId, userId, pending, callback);
        return { kind: "begun", address: pending.address };
      } catch (error) {
        callback?.close();
        return { kind: "problem", problem: wordsOf(error) };
      }
    },
    /**
     * Ends a sign-in of the person by the last address of their browser. `unknown`: the address
     * belongs to no sign-in that waits.
     */
    async finish(serverId: string, userId: UserId, address: string): Promise<
      | { readonly kind: "done" | "unknown" }
      | { readonly kind: "problem"; readonly problem: string }
    > {
      const written = address.trim().slice(0, MAX_ADDRESS);
      const answer = URL.canParse(written) ? new URL(written).searchParams : undefined;
      const mine = [...waiting].find((one) =>
        one.serverId === serverId && one.userId === userId && answer && one.pending.isOurs(answer)
      );
      if (!mine || !answer) return { kind: "unknown" };
      const problem = await finished(mine, answer);
      return problem === undefined ? { kind: "done" } : { kind: "problem", problem };
    },
    /** Deletes a login. @returns Whether there was one. */
    logout: async (serverId: string): Promise<boolean> => (await loadLogins()).remove(serverId),
  };
}

/** Logins to MCP servers, for owners. Each problem is in words for them. */
export type McpSignIns = ReturnType<typeof createMcpSignIns>;

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Tells how a sign-in ended; `problem` is absent if the login is stored. */
function endText(server: string, problem: string | undefined): string {
  return problem === undefined
    ? signedInText(server)
    : signInFailedText(server, bounded(problem, 800));
}
