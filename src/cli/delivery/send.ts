/**
 * `barnacle send`: puts a message into the outbox, and waits until Discord has it.
 *
 * There is one way out of the house. A bot that runs with the same data finds
 * the message in its outbox and sends it; where none runs, this process does
 * what the bot would do, and what it leaves is sent by the next start.
 *
 * @module
 */

import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createTokenChange } from "../../bot/account/token_change.ts";
import { type Consignment, type Courier, createCourier } from "../../bot/outbound/courier.ts";
import type { Config } from "../../config/config.ts";
import { missingToken } from "../../config/load.ts";
import type { OutboundFile } from "../../core/outbound/outbound.ts";
import { parseTarget, type Target } from "../../core/outbound/target.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { sizeOf } from "../../lib/text/byte_size.ts";
import { codeOf } from "../../lib/error_code.ts";
import { printable } from "../../lib/text/quoted.ts";
import { createStderrWriter, type Logging, startLog } from "../../log.ts";
import type { SendResult } from "../../store/outbox/send_results.ts";
import { VERSION } from "../../version.ts";
import { apiOf, tokenIn } from "../shared/discord.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/flags.ts";
import { type DataDirectory, openDataDirectory } from "./data_directory.ts";
import type { Io } from "../shared/io.ts";
import { readConfig, shown } from "../shared/read_config.ts";
import { StartError, toStartError } from "../shared/start_error.ts";
import { dataDirOf } from "../shared/store_access.ts";
import { whichAccount } from "../shared/which_account.ts";

export interface SendFlags extends CommonFlags {
  readonly account?: string;
  /** Paths. */
  readonly file?: readonly string[];
  /** For the files, in their order. */
  readonly alt?: readonly string[];
  /** Seconds until the command leaves the rest to the bot. */
  readonly wait: number;
}

/** What is to be sent. */
export interface Words {
  readonly target: string;
  /** `"-"`: what comes on stdin. */
  readonly text?: string | undefined;
}

export async function send(
  flags: SendFlags,
  words: Words,
  io: Io,
  readStdin: () => Promise<string>,
): Promise<ExitCode> {
  try {
    return await sendTo(targetOf(words.target), flags, words, io, readStdin);
  } catch (error) {
    const { message, code } = toStartError(error);
    io.err(`barnacle: ${message}`);
    return code;
  }
}

async function sendTo(
  target: Target,
  flags: SendFlags,
  { text }: Words,
  io: Io,
  readStdin: () => Promise<string>,
): Promise<ExitCode> {
  const loaded = await readConfig(flags.config, io.env, true);
  if (loaded.kind === "refused") {
    io.err(shown(loaded.problems, io));
    return EXIT.config;
  }
  const config = whichAccount(loaded.config, flags.account);
  const files = filesOf(flags, config.discord.mediaMaxBytes);
  const content = text === "-" ? await readStdin() : text ?? "";
  if (content.trim() === "" && files.length === 0) {
    throw new StartError(
      "There is nothing to send: give a text, - for stdin, or --file",
      EXIT.usage,
    );
  }

  const logging = startLog({
    level: "warn",
    format: io.isTerminal ? "human" : "json",
    write: createStderrWriter(),
  });
  const bot = botOf(config, logging, io);
  const house = await openDataDirectory(dataDirOf(flags.data, io));
  let courier: Courier | undefined;
  try {
    await assertOurs(config, bot, house, logging);
    const patience = Math.max(flags.wait, config.discord.rest.timeoutSec);
    courier = await createCourier({
      config,
      ...bot,
      version: VERSION,
      store: house.store,
      logging,
      notAfter: Date.now() + patience * 1_000,
    });
    const sent = await courier.send(target, content, files);
    if (house.sender() === "us") await courier.setOut(sent.channelId);
    return await report(sent, flags, { courier, house }, io);
  } catch (error) {
    return refused(error, courier, io);
  } finally {
    await courier?.stop();
    house.close();
    logging.stop();
  }
}

/** Discord's own no: of the token, of the place. */
function refused(error: unknown, courier: Courier | undefined, io: Io): ExitCode {
  if (!(error instanceof RestError)) throw error;
  if (courier?.isRefused()) {
    io.err("barnacle: Discord refuses the bot token; `barnacle doctor` says what to do");
    return EXIT.refused;
  }
  io.err(`barnacle: nothing was sent: ${printable(error.message)}`);
  return error.code === undefined ? EXIT.tryAgain : EXIT.failed;
}

/** What waits in a store is sent as the bot whose store it is. */
async function assertOurs(
  { discord: { accountId } }: Config,
  bot: { readonly token: string; readonly apiBase: string },
  { store }: DataDirectory,
  logging: Logging,
): Promise<void> {
  const adoption = createTokenChange({ ...bot, accountId }, {
    store: store.gateway,
    applications: () => Promise.reject(new Error("Nothing is taken over here")),
    stopping: new AbortController().signal,
    log: logging.forPart("delivery"),
  });
  if (await adoption.isOurs()) return;
  throw new StartError(
    "The data are of another bot; name this one's by --data, or start it once by `barnacle run`",
    EXIT.tryAgain,
  );
}

function targetOf(text: string): Target {
  const target = parseTarget(text);
  if (target.kind !== "problem") return target;
  throw new StartError(`${target.problem}; write ${target.hint}`, EXIT.usage);
}

/** @throws {StartError} For one that cannot be read, or is larger than may be sent. */
function filesOf({ file = [], alt = [] }: SendFlags, maxBytes: number): readonly OutboundFile[] {
  if (alt.length > file.length) {
    throw new StartError("There are more --alt than --file", EXIT.usage);
  }
  return file.map((path, index) => {
    const about = alt[index];
    return {
      name: basename(path),
      ...(about !== undefined && { alt: about }),
      bytes: bytesOf(path, maxBytes),
    };
  });
}

/** A pipe or a device may have no end, or no beginning. */
function bytesOf(path: string, maxBytes: number): OutboundFile["bytes"] {
  try {
    const about = statSync(path);
    if (!about.isFile()) {
      const what = about.isDirectory() ? "a directory" : "no file on a disk";
      throw new StartError(`Cannot send ${printable(path)}: it is ${what}`, EXIT.usage);
    }
    if (about.size > maxBytes) throw tooLarge(path, about.size, maxBytes);
    return readFileSync(path).slice();
  } catch (error) {
    if (error instanceof StartError) throw error;
    const why = codeOf(error) ?? "unknown reason";
    throw new StartError(`Cannot read ${printable(path)}: ${why}`, EXIT.usage, error);
  }
}

function tooLarge(path: string, size: number, maxBytes: number): StartError {
  return new StartError(
    `${printable(path)} has ${sizeOf(size)}, and channels.discord.mediaMaxMb allows ` +
      sizeOf(maxBytes),
    EXIT.usage,
  );
}

/** @throws {StartError} If there is no token, or no server that it is for. */
function botOf(
  config: Config,
  logging: Logging,
  { env }: Io,
): { readonly token: string; readonly apiBase: string } {
  const api = apiOf(env);
  if ("problem" in api) throw new StartError(api.problem, EXIT.config);
  const token = tokenIn(config);
  if (token === undefined) {
    const { message = "The bot token cannot be one", hint } = missingToken(config) ?? {};
    throw new StartError(hint === undefined ? message : `${message}; ${hint}`, EXIT.config);
  }
  logging.addSecret(token);
  return { token, apiBase: api.base };
}

/** How often it is looked whether Discord has it, in milliseconds. */
const LOOK_EVERY_MS = 50;

async function report(
  { channelId, guildId, sendResults }: Consignment,
  { wait, json }: SendFlags,
  { courier, house }: { readonly courier: Courier; readonly house: DataDirectory },
  io: Io,
): Promise<ExitCode> {
  const until = performance.now() + wait * 1_000;
  let seen = await sendResults();
  while (
    seen.some(({ kind }) => kind === "waits") && !courier.isRefused() && performance.now() < until
  ) {
    await sleep(LOOK_EVERY_MS);
    if (house.sender() === "another" && await house.takeOver()) await courier.setOut(channelId);
    seen = await sendResults();
  }
  const linkOf = (id: string) =>
    `https://discord.com/channels/${guildId ?? "@me"}/${channelId}/${id}`;
  if (json) {
    io.out(
      JSON.stringify(
        seen.map((fate) =>
          fate.kind === "sent" && fate.messageId !== undefined
            ? { ...fate, link: linkOf(fate.messageId) }
            : fate
        ),
      ),
    );
  } else {
    for (const fate of seen) {
      if (fate.kind === "sent") {
        io.out(fate.messageId ? linkOf(fate.messageId) : "sent, and deleted");
      } else io.err(`barnacle: ${wordsFor(fate, house)}`);
    }
  }
  if (courier.isRefused()) return EXIT.refused;
  if (seen.some(({ kind }) => kind === "failed" || kind === "held")) return EXIT.failed;
  return seen.some(({ kind }) => kind === "waits") ? EXIT.tryAgain : EXIT.done;
}

function wordsFor(
  { kind, reason }: Exclude<SendResult, { kind: "sent" }>,
  house: Pick<DataDirectory, "sender">,
): string {
  const why = reason === undefined ? "" : `: ${printable(reason)}`;
  if (kind === "failed") return `Discord does not take it${why}`;
  if (kind === "held") {
    return "nobody can tell whether Discord has it; look into the channel, then send it again or " +
      "drop it by `barnacle outbox`";
  }
  const isWithBot = house.sender() === "bot";
  const then = isWithBot ? "the bot goes on trying" : "the next `barnacle run` sends it";
  return `it waits in the outbox${why}; ${then}`;
}
