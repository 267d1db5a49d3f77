/**
 * `barnacle send`: puts a message into the outbox of the running bot, and waits until Discord has it.
 *
 * The bot takes the message over its socket, and sends it as all others. If it ends meanwhile, its
 * successor sends it.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { peerOf } from "../../flows/preflight/before_connecting.ts";
import { tokenHint } from "../../bot/account_end.ts";
import { type ComposedMessage, type Composer, createComposer, NoFilesError } from "./composer.ts";
import type { Config } from "../../config/config.ts";
import { missingToken } from "../../config/load.ts";
import { parseTarget, type Target, type TargetProblem } from "../../core/outbound/target.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { printable } from "../../lib/text/quoted.ts";
import { startLog } from "../../log.ts";
import { VERSION } from "../../version.ts";
import { apiOf, isTokenRefused, tokenIn } from "../../cli/shared/discord.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import type { AccountFlags } from "../../cli/shared/command.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { type FileFlags, readFiles } from "./read_files.ts";
import { readConfig, tellRefused } from "../../cli/shared/read_config.ts";
import { registerSecrets } from "../../config/secrets.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import { configBefore, dataProblem, useData } from "../../cli/shared/find_data.ts";
import { openForCommand, UnansweredError } from "../../cli/shared/store_access.ts";
import { findTarget } from "../../cli/verdict/named.ts";
import { whichAccount } from "../../cli/shared/which_account.ts";
import type { SendResult } from "../../core/store/outbox.ts";
import type { Store } from "../../store/store.ts";

export interface SendFlags extends AccountFlags, FileFlags {
  /** Seconds to wait for delivery. */
  readonly wait: number;
}

interface SendArguments {
  /** As the user types it: `"channel:123"`, `"#general"`. */
  readonly target: string;
  /** `"-"` reads stdin. */
  readonly text?: string;
}

/** Sends a message, and prints a link to each part that Discord has. */
export function send(
  flags: SendFlags,
  words: SendArguments,
  io: Io,
  readStdin: () => Promise<string>,
): Promise<ExitCode> {
  return reportingErrors(io, () => sendTo(flags, words, io, readStdin));
}

async function sendTo(
  flags: SendFlags,
  { target: typed, text }: SendArguments,
  io: Io,
  readStdin: () => Promise<string>,
): Promise<ExitCode> {
  if (/[<:]|^\d*$/.test(typed)) readTarget(parseTarget(typed)); // no name: the store knows no more
  const loaded = await readConfig(await configBefore(flags, io), io.env, true);
  if (tellRefused(loaded, io)) return EXIT.config;
  const config = whichAccount(loaded.config, flags.account);
  const files = readFiles(flags, config.discord.mediaMaxBytes, io);
  const content = text === "-" ? await readStdin() : text ?? "";
  if (content.trim() === "" && files.length === 0) {
    throw new StartError("nothing to send: give a text, - for stdin, or --file", EXIT.usage);
  }

  const logging = startLog({
    level: "warn",
    format: io.isTerminal ? "human" : "json",
    write: (line) => io.err(line.trimEnd()),
  });
  registerSecrets(loaded, io.env, logging);
  const bot = botOf(config, io);
  const place = await useData(flags.data, io);
  const opened = place.state === "store" ? await openForCommand(place.dataDir) : undefined;
  if (!opened) throw dataProblem(place);
  const { store, holder } = opened;
  let composer: Composer | undefined;
  try {
    if (holder === "us") {
      const why = `no bot runs with the data in ${place.dataDir}; start it by \`barnacle run\``;
      throw new StartError(why, EXIT.tryAgain);
    }
    await assertSameBot(config, bot, store);
    const target = readTarget(await findTarget(typed, store, config.discord.accountId));
    const patience = Math.max(flags.wait, config.discord.rest.timeoutSec);
    composer = await createComposer({
      config,
      ...bot,
      version: VERSION,
      store,
      logging,
      notAfter: Date.now() + patience * 1_000,
    });
    const composed = await composer.compose(target, content, files);
    const until = performance.now() + flags.wait * 1_000;
    const ids = await addTo(store, composed, until);
    const results = await io.during("Waiting for Discord", settled(ids, store, until));
    return report(results, composed, flags, io);
  } catch (error) {
    return refused(error, composer, io);
  } finally {
    composer?.stop();
    await opened.close();
    logging.stop();
  }
}

/**
 * Adds the messages to the outbox, once. If the bot ends meanwhile, its successor gets them again: it
 * knows their nonces, should they be stored.
 *
 * @param until Time of the process's clock at which to give up.
 */
async function addTo(
  { outbox }: Pick<Store, "outbox">,
  { messages }: ComposedMessage,
  until: number,
): Promise<readonly number[]> {
  for (;;) {
    try {
      return (await outbox.addAll(messages, Date.now())).map(({ id }) => id);
    } catch (error) {
      if (!(error instanceof UnansweredError) || performance.now() >= until) throw error;
      await sleep(POLL_MS);
    }
  }
}

/** Waits for the results of the messages. */
async function settled(
  ids: readonly number[],
  { outbox }: Pick<Store, "outbox">,
  until: number,
): Promise<readonly SendResult[]> {
  for (;;) {
    const results = await outbox.sendResultsOf(ids).catch((error: unknown) => {
      if (!(error instanceof UnansweredError)) throw error;
      return ids.map((id) => ({ id, kind: "waits" as const })); // its successor sends them
    });
    if (performance.now() >= until || !results.some(isWaiting)) return results;
    await sleep(POLL_MS);
  }
}

/** Reports that Discord rejects the token or the target. */
function refused(error: unknown, composer: Composer | undefined, io: Io): ExitCode {
  if (error instanceof NoFilesError) {
    io.problem(`nothing sent: ${printable(error.message)}`);
    return EXIT.failed;
  }
  if (!(error instanceof RestError)) throw error;
  if (composer?.isRefused()) {
    io.problem("Discord rejects the bot token; run `barnacle doctor`");
    return EXIT.refused;
  }
  io.problem(`nothing sent: ${printable(error.message)}`);
  return error.code === undefined ? EXIT.tryAgain : EXIT.failed;
}

/** Messages in a store are sent as that store's bot, so the token must be of the same bot. */
async function assertSameBot(
  { discord: { accountId, tokenPlace } }: Config,
  { token, apiBase }: { readonly token: string; readonly apiBase: string },
  { gateway }: Pick<Store, "gateway">,
): Promise<void> {
  if (!await gateway.isOtherPeer(accountId, peerOf(token, apiBase))) return;
  if (await isTokenRefused(token, apiBase)) {
    throw new StartError(tokenHint(tokenPlace), EXIT.refused);
  }
  throw new StartError(
    "the data belong to another bot: set --data, or start this bot once with `barnacle run`",
    EXIT.tryAgain,
  );
}

function readTarget(target: Target | TargetProblem): Target {
  if (target.kind !== "problem") return target;
  throw new StartError(`${target.problem}; use ${target.hint}`, EXIT.usage);
}

/** @throws {StartError} If there is no valid token, or the API's URL is invalid. */
function botOf(config: Config, { env }: Io): { readonly token: string; readonly apiBase: string } {
  const api = apiOf(env);
  if ("problem" in api) throw new StartError(api.problem, EXIT.config);
  const token = tokenIn(config);
  if (token === undefined) {
    const { message = "The bot token is invalid", hint } = missingToken(config) ?? {};
    throw new StartError(hint === undefined ? message : `${message}; ${hint}`, EXIT.config);
  }
  return { token, apiBase: api.base };
}

/** Milliseconds between two reads of the send results. */
const POLL_MS = 50;

function report(
  results: readonly SendResult[],
  { channelId, guildId }: ComposedMessage,
  { json }: SendFlags,
  io: Io,
): ExitCode {
  const linkOf = (id: string) =>
    `https://discord.com/channels/${guildId ?? "@me"}/${channelId}/${id}`;
  if (json) {
    io.out(
      JSON.stringify(
        results.map((result) =>
          result.kind === "sent" && result.messageId !== undefined
            ? { ...result, link: linkOf(result.messageId) }
            : result
        ),
      ),
    );
  } else {
    for (const result of results) {
      if (result.kind === "sent") {
        io.out(result.messageId ? linkOf(result.messageId) : "sent, then deleted");
      } else io.problem(problemOf(result));
    }
  }
  if (results.some(({ kind }) => kind === "failed" || kind === "held")) return EXIT.failed;
  return results.some(isWaiting) ? EXIT.tryAgain : EXIT.done;
}

function isWaiting({ kind }: SendResult): boolean {
  return kind === "waits";
}

function problemOf({ kind, reason }: Exclude<SendResult, { kind: "sent" }>): string {
  const why = reason === undefined ? "" : `: ${printable(reason)}`;
  if (kind === "failed") return `Discord rejected the message${why}`;
  if (kind === "held") {
    return "delivery uncertain: look into the channel, then run `barnacle outbox resend` or " +
      "`barnacle outbox drop`";
  }
  return `still in the outbox${why}; the bot keeps trying`;
}
