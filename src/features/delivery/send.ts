/**
 * `barnacle send`: puts a message into the outbox of the running bot, and waits until Discord has it.
 *
 * The bot takes the message over its socket, and sends it as all others. If it ends meanwhile, its
 * successor sends it.
 */

import type { ToolTarget } from "../../core/turn/discord_place.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { peerOf } from "../../flows/preflight/before_connecting.ts";
import { tokenHint } from "../../bot/account_end.ts";
import { type Config, replyRulesOf } from "../../config/config.ts";
import { parseTarget, type Target, type TargetProblem } from "../../core/outbound/target.ts";
import { isTokenRefused, RestError } from "../../discord/rest/exchange/exchange.ts";
import { printable } from "../../lib/text/quoted.ts";
import { startLog } from "../../log.ts";
import { VERSION } from "../../version.ts";
import { botOf, refusesToken as isRefused } from "../../cli/shared/discord.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import type { AccountFlags } from "../../cli/shared/command.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { readConfig, tellRefused, whyUnreadable } from "../../cli/shared/read_config.ts";
import { registerSecrets } from "../../config/secrets.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import { configBefore, dataProblem, useData } from "../../cli/shared/find_data.ts";
import { openForCommand, UnansweredError } from "../../cli/shared/store_access.ts";
import { findTarget } from "../../cli/verdict/named.ts";
import { whichAccount } from "../../cli/shared/with_store.ts";
import type { SendResult } from "../../store/outbox/outbox.ts";
import type { Store } from "../../store/store.ts";
import { randomUUID } from "node:crypto";
import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { Frozen, OutboundFile } from "../../core/outbound/outbound.ts";
import {
  restoreIndex,
  takesFiles,
  uploadLimitOf,
} from "../../discord/gateway/decode/guild_index.ts";
import {
  createExplainDenial,
  openDirect,
  readPlace,
} from "../../discord/rest/requests/guild_reads.ts";
import type { RestApi, RestClient } from "../../discord/rest/client/client.ts";
import { composeSend } from "../../render/reply.ts";
import { createSecretFilter } from "../../render/safety/secrets.ts";
import { createInvalidRequests } from "../../discord/rest/scheduler/rate_limiter.ts";
import { createAccountRest } from "../../bot/account/account.ts";
import { basename } from "node:path";
import { FileRefusedError, withRegularFile } from "../../host/files/read_bounded.ts";
import { sizeOf } from "../../lib/text/units.ts";

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
  const files = readFiles(flags, config.discord.mediaMaxBytes);
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
  const bot = botOf(config, loaded.problems, io.env);
  const place = await useData(flags.data, io);
  const opened = place.state === "store" ? await openForCommand(place.dataDir) : undefined;
  if (!opened) throw dataProblem(place);
  const { store, holder } = opened;
  let rest: RestClient | undefined;
  try {
    if (holder === "us") {
      const why = `no bot runs with the data in ${place.dataDir}; start it by \`barnacle run\``;
      throw new StartError(why, EXIT.tryAgain);
    }
    await assertSameBot(config, bot, store);
    const target = readTarget(await findTarget(typed, store, config.discord.accountId));
    const log = logging.forPart("delivery");
    const invalidRequests = createInvalidRequests();
    const options = { config, ...bot, version: VERSION, invalidRequests };
    rest = createAccountRest(options, { events: {}, now, log });
    const patience = Math.max(flags.wait, config.discord.rest.timeoutSec);
    const api = notAfter(rest, Date.now() + patience * 1_000);
    const cleanSecrets = (text: string) => createSecretFilter(logging.secrets())(text).text;
    const composed = await compose({ config, store, api, cleanSecrets }, target, content, files);
    const until = performance.now() + flags.wait * 1_000;
    const ids = await addTo(store, composed, until);
    const results = await io.during("Waiting for Discord", settled(ids, store, until));
    return report(results, composed, flags, io);
  } catch (error) {
    return refused(error, io);
  } finally {
    rest?.stop();
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
  { outbox }: Store,
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
  { outbox }: Store,
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
function refused(error: unknown, io: Io): ExitCode {
  if (error instanceof NoFilesError) {
    io.problem(`nothing sent: ${printable(error.message)}`);
    return EXIT.failed;
  }
  if (!(error instanceof RestError)) throw error;
  if (isTokenRefused(error)) {
    io.problem("Discord rejects the bot token; run `barnacle doctor`");
    return EXIT.refused;
  }
  const isRefused = error.code !== undefined;
  const next = isRefused
    ? "check the target's id, and the bot's rights with `barnacle status --probe`"
    : "`barnacle doctor --network` tests the connection";
  io.problem(`nothing sent: ${printable(error.message)}; ${next}`);
  return isRefused ? EXIT.failed : EXIT.tryAgain;
}

/** Messages in a store are sent as that store's bot, so the token must be of the same bot. */
async function assertSameBot(
  { discord: { accountId, tokenPlace } }: Config,
  { token, apiBase }: { readonly token: string; readonly apiBase: string },
  { gateway }: Store,
): Promise<void> {
  if (!await gateway.isOtherPeer(accountId, peerOf(token, apiBase))) return;
  if (await isRefused(token, apiBase)) {
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

/** The bot may not attach files in the place of a message. The message names the permission. */
class NoFilesError extends Error {
  override readonly name = "NoFilesError";
}

interface ComposedMessage {
  readonly channelId: ChannelId;
  /** Absent in direct messages, and if Discord could not be asked. */
  readonly guildId?: GuildId;
  /** Its parts, in order. Each has a nonce, so the outbox takes a repeated one once. */
  readonly messages: readonly Frozen[];
}

const now = (): number => Date.now();

/** Finding the place does not wait for a rate limit that lasts longer than this Unix time. */
function notAfter(rest: RestClient, notAfter: number): RestApi {
  return { request: (method, path, asked) => rest.request(method, path, { ...asked, notAfter }) };
}

/**
 * Composes a message.
 *
 * @throws {NoFilesError} If there are files, and the bot may not attach any there.
 * @throws {RestError} If Discord does not have the place, or cannot be asked for a direct channel.
 */
async function compose(
  { config, store, api, cleanSecrets }: {
    readonly config: Config;
    readonly store: Store;
    readonly api: RestApi;
    readonly cleanSecrets: (text: string) => string;
  },
  target: Target,
  text: string,
  files: readonly OutboundFile[],
): Promise<ComposedMessage> {
  const { accountId } = config.discord;
  const self = (await store.gateway.loadAccount(accountId)).self?.userId;
  const place = await placeOf(target, api);
  if (files.length > 0 && self !== undefined) {
    // If Discord cannot be asked, the request with the file tells.
    const denial = await createExplainDenial(api, now)({ ...place, userId: self }, ["Attach Files"])
      .catch(() => undefined);
    if (denial) throw new NoFilesError(denial.text);
  }
  const { index } = restoreIndex(await store.gateway.guildsOf(accountId)); // the guilds that a running bot stored last
  const uploadLimit = uploadLimitOf(index, place.guildId);
  const rules = {
    ...replyRulesOf(config, { cleanSecrets, uploadLimit }),
    ...(files.length === 0 && !takesFiles(index, place, self) && { takesNoFiles: true } as const),
  };
  const { channelId, guildId } = place;
  const callKey = `send ${randomUUID()}`;
  const outgoing = { accountId, channelId, guildId, text, files, callKey };
  return { ...place, messages: composeSend(outgoing, rules) };
}

async function placeOf(target: Target, api: RestApi): Promise<ToolTarget> {
  if (target.kind === "user") return { channelId: await openDirect(api, target.userId) };
  const { channelId } = target;
  try {
    return { channelId, ...await readPlace(api, channelId) };
  } catch (error) {
    const isAnswer = error instanceof RestError && error.code !== undefined;
    if (isAnswer || isTokenRefused(error)) throw error;
    const { guildId } = target; // Discord cannot be reached now: the queue sends the message later
    return { channelId, guildId: guildId || undefined };
  }
}

export interface FileFlags {
  /** Paths of files to attach. */
  readonly file?: readonly string[];
  /** Descriptions, in the order of the files. */
  readonly alt?: readonly string[];
}

/**
 * Reads the files.
 *
 * A file is opened once, and the open file is checked: a path may change between a check and a
 * reading. Only regular files on a disk can be sent, because others tell secrets of the host or
 * never end.
 *
 * @throws {StartError} If a file cannot be read, or is too large to send.
 */
function readFiles(
  { file = [], alt = [] }: FileFlags,
  maxBytes: number,
): readonly OutboundFile[] {
  if (alt.length > file.length) {
    throw new StartError("more --alt than --file", EXIT.usage);
  }
  return file.map((path, index) => {
    const about = alt[index];
    return { name: basename(path), alt: about, bytes: bytesOf(path, maxBytes) };
  });
}

function bytesOf(path: string, maxBytes: number): OutboundFile["bytes"] {
  const named = printable(path);
  try {
    return withRegularFile(path, (file) => {
      if (file.size > maxBytes) throw tooLarge(named, file.size, maxBytes);
      return file.read(maxBytes);
    });
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(fileProblem(named, error, maxBytes), EXIT.usage, error);
  }
}

function fileProblem(named: string, error: unknown, maxBytes: number): string {
  if (!(error instanceof FileRefusedError)) {
    return `cannot read ${named}: ${whyUnreadable(error)}`;
  }
  switch (error.code) {
    case "EFBIG":
      return `${named} is too large: it grows, and channels.discord.mediaMaxMb allows ` +
        sizeOf(maxBytes);
    case "EISDIR":
      return `cannot send ${named}: it is a directory`;
    case "ENODEV":
      return `cannot send ${named}: it is not a regular file`;
    case "ENOTSUP":
      return `cannot send ${named}: the system makes it up, and it is on no disk`;
  }
}

function tooLarge(named: string, size: number, maxBytes: number): StartError {
  return new StartError(
    `${named} is too large: ${sizeOf(size)}, but channels.discord.mediaMaxMb allows ` +
      sizeOf(maxBytes),
    EXIT.usage,
  );
}
