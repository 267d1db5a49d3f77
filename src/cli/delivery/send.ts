/**
 * `barnacle send`: puts a message into the outbox, and waits until Discord has it.
 *
 * All messages go through the outbox. A running bot with the same data finds the message there and
 * sends it. Without one, this process sends it as the bot would; the bot's next start sends the rest.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { createTokenChange } from "../../bot/account/token_change.ts";
import { tokenHint } from "../../bot/account_end.ts";
import {
  createOutboxSender,
  type DataDirectory,
  NoFilesError,
  openDataDirectory,
  type OutboxSender,
  type StoredMessage,
} from "./outbox_sender.ts";
import type { Config } from "../../config/config.ts";
import { missingToken } from "../../config/load.ts";
import { parseTarget, type Target } from "../../core/outbound/target.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { printable } from "../../lib/text/quoted.ts";
import { type Logging, startLog } from "../../log.ts";
import { VERSION } from "../../version.ts";
import { apiOf, isTokenRefused, tokenIn } from "../shared/discord.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/command.ts";
import type { Io } from "../terminal/io.ts";
import { type FileFlags, readFiles } from "./read_files.ts";
import { readConfig, shown } from "../shared/read_config.ts";
import { registerSecrets } from "../../config/secrets.ts";
import { StartError, toStartError } from "../shared/start_error.ts";
import { dataDirOf } from "../shared/store_access.ts";
import { whichAccount } from "../shared/which_account.ts";
import type { SendResult } from "../../core/store/outbox.ts";

/** Options of `send`. */
export interface SendFlags extends CommonFlags, FileFlags {
  /** The account; `default` or the only one if absent. */
  readonly account?: string;
  /** Seconds to wait for delivery. */
  readonly wait: number;
}

/** The message's arguments. */
export interface SendArguments {
  /** As the user types it: `"channel:123"`. */
  readonly target: string;
  /** `"-"` reads stdin. */
  readonly text?: string;
}

/** Sends a message, and prints a link to each part that Discord has. */
export async function send(
  flags: SendFlags,
  words: SendArguments,
  io: Io,
  readStdin: () => Promise<string>,
): Promise<ExitCode> {
  try {
    return await sendTo(targetOf(words.target), flags, words, io, readStdin);
  } catch (error) {
    const { message, code } = toStartError(error);
    io.problem(`${message}`);
    return code;
  }
}

async function sendTo(
  target: Target,
  flags: SendFlags,
  { text }: SendArguments,
  io: Io,
  readStdin: () => Promise<string>,
): Promise<ExitCode> {
  const loaded = await readConfig(flags.config, io.env, true);
  if (loaded.kind === "refused") {
    io.err(shown(loaded.problems, io));
    return EXIT.config;
  }
  const config = whichAccount(loaded.config, flags.account);
  const files = readFiles(flags, config.discord.mediaMaxBytes, io);
  const content = text === "-" ? await readStdin() : text ?? "";
  if (content.trim() === "" && files.length === 0) {
    throw new StartError(
      "nothing to send: give a text, - for stdin, or --file",
      EXIT.usage,
    );
  }

  const logging = startLog({
    level: "warn",
    format: io.isTerminal ? "human" : "json",
    write: (line) => io.err(line.trimEnd()),
  });
  registerSecrets(loaded, io.env, logging);
  const bot = botOf(config, io);
  const directory = await openDataDirectory(dataDirOf(flags.data, io));
  let outboxSender: OutboxSender | undefined;
  try {
    await assertSameBot(config, bot, directory, logging);
    const patience = Math.max(flags.wait, config.discord.rest.timeoutSec);
    outboxSender = await createOutboxSender({
      config,
      ...bot,
      version: VERSION,
      store: directory.store,
      logging,
      notAfter: Date.now() + patience * 1_000,
    });
    const stored = await outboxSender.send(target, content, files);
    if (directory.sender() === "us") await outboxSender.setOut(stored.channelId);
    return await report(stored, flags, { outboxSender, directory }, io);
  } catch (error) {
    return refused(error, outboxSender, io);
  } finally {
    await outboxSender?.stop();
    directory.close();
    logging.stop();
  }
}

/** Reports that Discord rejects the token or the target. */
function refused(error: unknown, outboxSender: OutboxSender | undefined, io: Io): ExitCode {
  if (error instanceof NoFilesError) {
    io.problem(`nothing sent: ${printable(error.message)}`);
    return EXIT.failed;
  }
  if (!(error instanceof RestError)) throw error;
  if (outboxSender?.isRefused()) {
    io.problem("Discord rejects the bot token; run `barnacle doctor`");
    return EXIT.refused;
  }
  io.problem(`nothing sent: ${printable(error.message)}`);
  return error.code === undefined ? EXIT.tryAgain : EXIT.failed;
}

/** Messages in a store are sent as that store's bot, so the token must be of the same bot. */
async function assertSameBot(
  { discord: { accountId, tokenPlace } }: Config,
  bot: { readonly token: string; readonly apiBase: string },
  { store }: DataDirectory,
  logging: Logging,
): Promise<void> {
  const tokenChange = createTokenChange({ ...bot, accountId }, {
    store: store.gateway,
    applications: () => Promise.reject(new Error("A send takes over no outbox")),
    stopping: new AbortController().signal,
    log: logging.forPart("delivery"),
  });
  if (await tokenChange.isOurs()) return;
  if (await isTokenRefused(bot.token, bot.apiBase)) {
    throw new StartError(tokenHint(tokenPlace), EXIT.refused);
  }
  throw new StartError(
    "the data belong to another bot: set --data, or start this bot once with `barnacle run`",
    EXIT.tryAgain,
  );
}

function targetOf(text: string): Target {
  const target = parseTarget(text);
  if (target.kind !== "problem") return target;
  throw new StartError(`${target.problem}; use ${target.hint}`, EXIT.usage);
}

/** @throws {StartError} If there is no valid token, or the API's URL is invalid. */
function botOf(
  config: Config,
  { env }: Io,
): { readonly token: string; readonly apiBase: string } {
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

async function report(
  { channelId, guildId, sendResults }: StoredMessage,
  { wait, json }: SendFlags,
  { outboxSender, directory }: {
    readonly outboxSender: OutboxSender;
    readonly directory: DataDirectory;
  },
  io: Io,
): Promise<ExitCode> {
  const until = performance.now() + wait * 1_000;
  async function settled(): Promise<readonly SendResult[]> {
    let results = await sendResults();
    while (results.some(isWaiting) && !outboxSender.isRefused() && performance.now() < until) {
      await sleep(POLL_MS);
      if (directory.sender() === "another" && await directory.takeOver()) {
        await outboxSender.setOut(channelId);
      }
      results = await sendResults();
    }
    return results;
  }
  const results = await io.during("Waiting for Discord", settled());
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
      } else io.problem(problemOf(result, directory));
    }
  }
  if (outboxSender.isRefused()) return EXIT.refused;
  if (results.some(({ kind }) => kind === "failed" || kind === "held")) return EXIT.failed;
  return results.some(isWaiting) ? EXIT.tryAgain : EXIT.done;
}

function isWaiting({ kind }: SendResult): boolean {
  return kind === "waits";
}

function problemOf(
  { kind, reason }: Exclude<SendResult, { kind: "sent" }>,
  directory: Pick<DataDirectory, "sender">,
): string {
  const why = reason === undefined ? "" : `: ${printable(reason)}`;
  if (kind === "failed") return `Discord rejected the message${why}`;
  if (kind === "held") {
    return "delivery uncertain: look into the channel, then run `barnacle outbox resend` or " +
      "`barnacle outbox drop`";
  }
  const next = directory.sender() === "bot"
    ? "the running bot keeps trying"
    : "the next `barnacle run` sends it";
  return `still in the outbox${why}; ${next}`;
}
