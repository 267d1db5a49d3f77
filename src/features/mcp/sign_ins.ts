/**
 * Signs in to MCP servers for owners in Discord, by `/mcp` (T13).
 *
 * It does the same as `barnacle mcp`. If the owner's browser is on the bot's machine, it comes back
 * to a port of the loopback address. Otherwise the owner gives the browser's last address with the
 * command. A sign-in lives in this process: after a restart, the owner begins anew.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { CommandCall } from "../../core/inbound/inbound.ts";
import { type Choice, choicesFor } from "../../interactions/base/command.ts";
import { bounded } from "../../lib/text/quoted.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { listenForCallback, pastedUrl } from "../../host/sign_in_callback.ts";
import { loggedOutText, MCP_SERVERS, noLoginText, signInEndText } from "../../render/sentences.ts";
import { beginLogin, mcpStates, signInServer, stateText } from "../../mcp/sign_in.ts";
import { loginsIn, seenIn, serversOf } from "../../bot/mcp/ports.ts";
import { tellPerson } from "../../flows/tell.ts";

const MAX_NAME = 100;
/** With the sentences around it, the address fits into a message. */
const MAX_ADDRESS = 1_400;
const MAX_SERVERS = 12;

/** Servers at which owners sign in, by what they have typed. */
export function suggestedServers({ config }: BotAccount, typed: string): readonly Choice[] {
  const ids = Object.entries(config().mcp.servers)
    .flatMap(([id, { login }]) => login === "operator" ? [id] : []);
  return choicesFor(typed, ids.map((id) => ({ name: id, value: id })));
}

/** Runs `/mcp`. The address of a sign-in goes to the owner alone. */
export async function runMcp(
  account: BotAccount,
  { id, sender, subcommand, options }: CommandCall,
): Promise<string> {
  const { bot: { dataDir }, log } = account;
  const written = String(options["server"] ?? "").trim();
  if (subcommand !== "login" && subcommand !== "logout") return listed(account);
  const name = bounded(written.replaceAll("`", "'"), MAX_NAME);
  const about = { interactionId: id, by: sender.id, server: written };
  if (subcommand === "logout") {
    const isDeleted = loginsIn(dataDir).remove(written);
    if (isDeleted) log.warn("An owner deleted a login to an MCP server in Discord", about);
    return isDeleted ? loggedOutText(name) : noLoginText(name);
  }
  const last = options["answer"];
  if (last !== undefined) {
    const outcome = await finishSignIn(account, written, sender.id, String(last));
    if (outcome.kind === "problem") return signInEndText(name, outcome.problem);
    if (outcome.kind === "unknown") {
      return `This address belongs to no sign-in to \`${name}\` that waits. Begin anew with ` +
        "`/mcp login`.";
    }
    log.warn("An owner signed in to an MCP server in Discord", about);
    return signInEndText(name);
  }
  const begun = await beginSignIn(account, written, sender.id);
  if (begun.kind === "problem") return signInEndText(name, begun.problem);
  const { address } = begun;
  return address.length > MAX_ADDRESS
    ? signInEndText(
      name,
      `its address is too long for Discord; run \`barnacle mcp login ${name}\` instead`,
    )
    : (`To sign in to \`${name}\`, open this address within ten minutes: <${address}> If it ` +
      "ends at a page that your browser cannot open, give me that page's address as `/mcp " +
      "login`'s answer.");
}

function listed({ bot: { dataDir }, config, now }: BotAccount): string {
  const states = mcpStates(serversOf(config(), "operator"), loginsIn(dataDir), seenIn(dataDir));
  const lines = states.slice(0, MAX_SERVERS).map((state) =>
    `– \`${bounded(state.id, MAX_NAME)}\`: ${stateText(state, now())}`
  );
  const more = states.length - lines.length;
  return [MCP_SERVERS, ...lines, ...(more > 0 ? [`… +${more}`] : [])]
    .join("\n");
}

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
const MAX_WRITTEN = 16_384;

const signIns = perAccount("interactions", (account) => {
  const waiting = new Set<WaitingSignIn>();
  const endAll = () => waiting.forEach((one) => one.end());
  account.stopping.addEventListener("abort", endAll, { once: true });
  return waiting;
});

/** Begins a sign-in; an older one of the person at this server ends. */
async function beginSignIn(account: BotAccount, serverId: string, userId: UserId): Promise<
  | { readonly kind: "begun"; readonly address: string }
  | { readonly kind: "problem"; readonly problem: string }
> {
  const { bot: { dataDir }, config } = account;
  const found = signInServer(serversOf(config()), serverId);
  if (found.kind === "problem") return found;
  const { server } = found;
  const port = server.oauth?.callbackPort;
  const callback = await tryListen(account, port ?? 0);
  try {
    const returnTo = callback?.url ?? pastedUrl(port, config().http.publicUrl);
    const pending = await beginLogin(serverId, server, returnTo, loginsIn(dataDir));
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
async function finishSignIn(
  account: BotAccount,
  serverId: string,
  userId: UserId,
  address: string,
): Promise<
  | { readonly kind: "done" | "unknown" }
  | { readonly kind: "problem"; readonly problem: string }
> {
  const written = address.trim().slice(0, MAX_WRITTEN);
  const answer = URL.canParse(written) ? new URL(written).searchParams : undefined;
  const mine = [...signIns(account)].find((one) =>
    one.serverId === serverId && one.userId === userId && answer && one.pending.isOurs(answer)
  );
  if (!mine || !answer) return { kind: "unknown" };
  const problem = await finished(mine, answer);
  return problem === undefined ? { kind: "done" } : { kind: "problem", problem };
}

async function tryListen({ log }: BotAccount, port: number) {
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
  callback?: Awaited<ReturnType<typeof listenForCallback>>,
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
