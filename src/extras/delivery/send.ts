/**
 * `barnacle send`: puts a message into the outbox, and waits until Discord has it.
 *
 * All messages go through the outbox. A running bot with the same data takes the message, and sends
 * it. Without one, this process sends it as the bot would; the bot's next start sends the rest.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { createTokenChange } from "../../flows/preflight/token_change.ts";
import { tokenHint } from "../../bot/account_end.ts";
import {
  type ComposedMessage,
  createOutboxSender,
  type DataDirectory,
  NoFilesError,
  openDataDirectory,
  type OutboxSender,
} from "./outbox_sender.ts";
import type { Config } from "../../config/config.ts";
import { missingToken } from "../../config/load.ts";
import { parseTarget, type Target, type TargetProblem } from "../../core/outbound/target.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { schedule } from "../../lib/clock.ts";
import { printable } from "../../lib/text/quoted.ts";
import { type Logging, startLog } from "../../log.ts";
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
import { UnansweredError } from "../../cli/shared/store_access.ts";
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
  if (place.state === "hidden" || place.state === "foreign") throw dataProblem(place);
  const directory = await openDataDirectory(place.dataDir);
  const patience = Math.max(flags.wait, config.discord.rest.timeoutSec);
  const createSender = () =>
    createOutboxSender({
      config,
      ...bot,
      version: VERSION,
      store: directory.store(),
      logging,
      notAfter: Date.now() + patience * 1_000,
    });
  let outboxSender: OutboxSender | undefined;

  /** Sends the messages once this process has the outbox, and waits for their results. */
  async function settled(
    { channelId }: ComposedMessage,
    ids: readonly number[],
    store: Store,
    until: number,
  ): Promise<readonly SendResult[]> {
    for (let isSending = false;;) {
      if (!isSending && await directory.takeOver()) {
        isSending = true;
        if (store !== directory.store()) { // it was another process's
          await outboxSender?.stop();
          outboxSender = await createSender();
        }
        await outboxSender?.setOut(channelId);
      }
      const results = await directory.store().outbox.sendResultsOf(ids).catch((error: unknown) => {
        if (!(error instanceof UnansweredError)) throw error;
        return ids.map((id) => ({ id, kind: "waits" as const })); // its successor sends them
      });
      const isOver = outboxSender?.isRefused() || performance.now() >= until;
      if (isOver || !results.some(isWaiting)) return results;
      await sleep(POLL_MS);
    }
  }

  try {
    await assertSameBot(config, bot, directory, logging);
    const store = directory.store();
    const target = readTarget(await findTarget(typed, store, config.discord.accountId));
    outboxSender = await createSender();
    const composed = await outboxSender.compose(target, content, files);
    const until = performance.now() + flags.wait * 1_000;
    const ids = await addTo(directory, composed, until);
    const results = await io.during("Waiting for Discord", settled(composed, ids, store, until));
    return report(results, composed, flags, { outboxSender, directory }, io);
  } catch (error) {
    return refused(error, outboxSender, io);
  } finally {
    await outboxSender?.stop();
    await directory.close();
    logging.stop();
  }
}

/**
 * Adds the messages to the outbox, once. If the process with the store ends meanwhile, its successor
 * gets them again: it knows their nonces, should they be stored.
 *
 * @param until Time of the process's clock at which to give up.
 */
async function addTo(
  directory: DataDirectory,
  { messages }: ComposedMessage,
  until: number,
): Promise<readonly number[]> {
  for (;;) {
    try {
      const added = await directory.store().outbox.addAll(messages, Date.now());
      return added.map(({ id }) => id);
    } catch (error) {
      if (!(error instanceof UnansweredError) || performance.now() >= until) throw error;
      await sleep(POLL_MS);
      await directory.takeOver();
    }
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
  directory: DataDirectory,
  logging: Logging,
): Promise<void> {
  const { gateway } = directory.store();
  const tokenChange = createTokenChange({
    accountId,
    // Another process writes the store, and has adopted the bot before.
    store: directory.sender() === "us"
      ? { gateway }
      : { gateway: { ...gateway, adoptPeer: () => Promise.resolve(false) } },
    schedule,
    random: Math.random,
    stopping: new AbortController().signal,
    log: logging.forPart("delivery"),
  }, {
    ...bot,
    askDiscord: () => Promise.reject(new Error("A send takes over no outbox")),
    isTransient: (_error): _error is Error => false,
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
  { outboxSender, directory }: {
    readonly outboxSender: OutboxSender;
    readonly directory: DataDirectory;
  },
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
