/** `barnacle alerts test`: sends a test alert by each way of the config, and prints the results (O12). */

import { sendAlert, waysOf } from "./watch.ts";
import { type BotConfig, type Config, forAccount } from "../../config/config.ts";
import { registerSecrets } from "../../config/secrets.ts";
import type { AlertWay } from "../../core/alerts.ts";
import type { AccountId, UserId } from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import { messageText, TEST_MESSAGE } from "./words.ts";
import { NO_TOKEN } from "../../flows/preflight/discord.ts";
import { createRedactor } from "../../lib/text/redactor.ts";
import { printable } from "../../lib/text/quoted.ts";
import { withNames } from "../../policy/rules/pinned.ts";
import { send } from "../delivery/exports.ts";
import { inColumns, printLines } from "../../cli/shared/columns.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { apiOf, openDiscord, tokenIn } from "../../cli/shared/discord.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { assertNamedData, configBefore, dataProblem, useData } from "../../cli/shared/find_data.ts";
import { readConfig, tellRefused } from "../../cli/shared/read_config.ts";
import { openForCommand } from "../../cli/shared/store_access.ts";
import type { Io } from "../../cli/terminal/io.ts";

/** Seconds until Discord must have the direct message. */
const WAIT_SEC = 15;

interface TestedWay {
  readonly way: AlertWay;
  readonly ok: boolean;
  /** Set if the way cannot be tested from here, which says nothing about the others. */
  readonly isSkipped?: true;
  /** The receiver, or the failure and its fix. */
  readonly detail: string;
}

/** Sends a test by each way, one after the other. */
export async function testAlerts(flags: CommonFlags, io: Io): Promise<ExitCode> {
  const leniency = { insecurePermissions: true, mayLackSecrets: true };
  const loaded = await readConfig(await configBefore(flags, io), io.env, leniency);
  if (tellRefused(loaded, io)) return EXIT.config;
  await assertNamedData(flags.data, io);
  const { config } = loaded;
  const redactor = createRedactor();
  registerSecrets(loaded, io.env, { addSecret: redactor.add });
  const results: TestedWay[] = [];
  for (const way of waysOf(config.alerts)) {
    const tested = way === "dm" ? testDirect(config, flags, io) : testAddress(config, way);
    const result = await io.during(`Sending a test by ${way}`, tested);
    results.push({ way, ...result, detail: redactor.clean(result.detail) });
  }
  if (flags.json) io.out(JSON.stringify(results));
  else {
    const rows = results.map((result) => [markOf(result), result.way, printable(result.detail)]);
    printLines(inColumns(rows), io);
    for (const way of missing(config)) io.err(`${way}: not set; the key is alerts.${way}`);
  }
  if (results.length === 0) io.problem("alerts.ways has no way that is set, so no one gets alerts");
  const tested = results.filter(({ isSkipped }) => !isSkipped);
  return tested.length > 0 && tested.every(({ ok }) => ok) ? EXIT.done : EXIT.failed;
}

function markOf({ ok, isSkipped }: TestedWay): string {
  return isSkipped ? "skip" : ok ? "ok" : "FAIL";
}

function missing({ alerts }: BotConfig): readonly AlertWay[] {
  const set = waysOf(alerts);
  return alerts.ways.filter((way) => !set.includes(way));
}

type WayResult = Omit<TestedWay, "way">;

async function testAddress(
  { alerts }: BotConfig,
  way: "webhook" | "ntfy",
): Promise<WayResult> {
  try {
    await sendAlert(alerts, way, TEST_MESSAGE, new AbortController().signal);
    const { host } = new URL((way === "webhook" ? alerts.webhook : alerts.ntfy)?.reveal() ?? "");
    return { ok: true, detail: `${host} took it` };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

const skipped = (detail: string): WayResult => ({ ok: false, isSkipped: true, detail });

/** Sends the test to the first owner through the outbox, as all messages. */
async function testDirect(config: BotConfig, flags: CommonFlags, io: Io): Promise<WayResult> {
  const account = config.accounts.find(({ enabled }) => enabled);
  if (!account) return skipped("no account of the config is enabled");
  const { accountId } = account;
  let owner: Awaited<ReturnType<typeof ownerOf>>;
  try {
    owner = await ownerOf(
      forAccount(config, account),
      await storedNames(accountId, flags, io),
      io,
    );
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
  if ("why" in owner) return skipped(owner.why);
  const problems: string[] = [];
  const quiet: Io = {
    ...io,
    out: () => {},
    err: () => {},
    problem: (text) => void problems.push(text),
    during: (_text, work) => work,
  };
  const code = await send(
    { ...flags, json: false, account: accountId, wait: WAIT_SEC },
    { target: `user:${owner.id}`, text: messageText(TEST_MESSAGE) },
    quiet,
    () => Promise.resolve(""),
  );
  return code === EXIT.done
    ? { ok: true, detail: `user ${owner.id} has it` }
    : { ok: false, detail: problems.join("; ") };
}

/** The first owner; or why none is known here, although the bot may know one. */
async function ownerOf(
  config: Config,
  names: readonly ResolvedName[],
  io: Io,
): Promise<{ readonly id: UserId } | { readonly why: string }> {
  const { owners } = withNames(config.discord.access, names).commands;
  const listed = owners?.find((entry) => entry.kind === "user");
  if (listed?.kind === "user") return { id: listed.id };
  if (owners && owners.length > 0) {
    return {
      why: "commands.ownerAllowFrom has names only, and the bot has found none of them yet",
    };
  }
  if (owners) return { why: "commands.ownerAllowFrom lists no owner" };
  const api = apiOf(io.env);
  if ("problem" in api) throw new StartError(api.problem, EXIT.config);
  const token = tokenIn(config);
  if (token === undefined) return { why: NO_TOKEN };
  const { applications, stop } = openDiscord(token, api.base);
  try {
    const { ownerId } = await applications.me();
    return ownerId ? { id: ownerId } : { why: "Discord names no owner of the application" };
  } finally {
    stop();
  }
}

/** The names of the config that the bot has found; none without a store. */
async function storedNames(
  accountId: AccountId,
  flags: CommonFlags,
  io: Io,
): Promise<readonly ResolvedName[]> {
  const place = await useData(flags.data, io);
  const { dataDir, state } = place;
  if (state === "hidden") throw dataProblem(place);
  const opened = state === "store" ? await openForCommand(dataDir) : undefined;
  if (!opened) return [];
  try {
    return await opened.store.pairing.namesOf(accountId);
  } finally {
    await opened.close();
  }
}
