/**
 * Signs in to MCP servers for owners in Discord, by `/mcp` (T13).
 *
 * It does the same as `barnacle mcp`. If the owner's browser is on the bot's machine, it comes back
 * to a port of the loopback address. Otherwise the owner gives the browser's last address with the
 * command. A sign-in lives in this process: after a restart, the owner begins anew.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { listenForCallback, pastedUrl, type SignInCallback } from "../../host/sign_in_callback.ts";
import { signInEndText } from "../../render/sentences.ts";
import type { beginLogin } from "../../mcp/sign_in.ts";
import { tellPerson } from "../unanswered_reactions.ts";

type BegunSignIn = Awaited<ReturnType<typeof beginLogin>>;

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

const signIns = perAccount("interactions", (account) => {
  const waiting = new Set<WaitingSignIn>();
  const endAll = () => waiting.forEach((one) => one.end());
  account.stopping.addEventListener("abort", endAll, { once: true });
  return waiting;
});

/** Begins a sign-in; an older one of the person at this server ends. */
export async function beginSignIn(account: BotAccount, serverId: string, userId: UserId): Promise<
  | { readonly kind: "begun"; readonly address: string }
  | { readonly kind: "problem"; readonly problem: string }
> {
  const { bot: { toolServices }, config } = account;
  const found = (await toolServices.logins()).find(serverId);
  if (found.kind === "problem") return found;
  const callback = await tryListen(account, found.port ?? 0);
  try {
    const returnTo = callback?.url ?? pastedUrl(found.port, config().http.publicUrl);
    const pending = await found.begin(returnTo);
    keep(account, serverId, userId, pending, callback);
    return { kind: "begun", address: pending.address };
  } catch (error) {
    callback?.close();
    return { kind: "problem", problem: wordsOf(error) };
  }
}

/**
 * Ends a sign-in of the person by the last address of their browser. `unknown`: the address belongs to
 * no sign-in that waits.
 */
export async function finishSignIn(
  account: BotAccount,
  serverId: string,
  userId: UserId,
  address: string,
): Promise<
  | { readonly kind: "done" | "unknown" }
  | { readonly kind: "problem"; readonly problem: string }
> {
  const written = address.trim().slice(0, MAX_ADDRESS);
  const answer = URL.canParse(written) ? new URL(written).searchParams : undefined;
  const mine = [...signIns(account)].find((one) =>
    one.serverId === serverId && one.userId === userId && answer && one.pending.isOurs(answer)
  );
  if (!mine || !answer) return { kind: "unknown" };
  const problem = await finished(mine, answer);
  return problem === undefined ? { kind: "done" } : { kind: "problem", problem };
}

async function tryListen({ log }: BotAccount, port: number): Promise<SignInCallback | undefined> {
  try {
    return await listenForCallback(port);
  } catch (error) {
    const message = "Cannot wait for a browser on this machine; its address can be given";
    log.warn(message, { port, error });
    return undefined;
  }
}

function keep(
  account: BotAccount,
  serverId: string,
  userId: UserId,
  pending: BegunSignIn,
  callback?: SignInCallback,
): void {
  const { schedule, log } = account;
  const waiting = signIns(account);
  for (const one of waiting) if (one.serverId === serverId && one.userId === userId) one.end();
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
    await tellPerson(account, userId, signInEndText(serverId, problem)).catch((error: unknown) =>
      log.warn("Cannot tell an owner about a sign-in", { userId, server: serverId, error })
    );
  });
}

/** @returns The problem; absent if the login is stored. */
async function finished(one: WaitingSignIn, answer: URLSearchParams): Promise<string | undefined> {
  one.end();
  try {
    await one.pending.finish(answer);
    return undefined;
  } catch (error) {
    return wordsOf(error);
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
