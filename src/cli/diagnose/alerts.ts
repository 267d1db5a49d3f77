/** `barnacle alerts test`: sends a test alert by each way of the config, and prints the results (O12). */

import { sendAlert, waysOf } from "../../bot/process/alerts.ts";
import { type BotConfig, type Config, forAccount } from "../../config/config.ts";
import { registerSecrets } from "../../config/secrets.ts";
import type { AlertWay } from "../../core/alerts.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { messageText, TEST_MESSAGE } from "../../flows/alerts/words.ts";
import { createRedactor } from "../../lib/text/redactor.ts";
import { printable } from "../../lib/text/quoted.ts";
import { send } from "../delivery/send.ts";
import { inColumns } from "../shared/columns.ts";
import type { CommonFlags } from "../shared/command.ts";
import { apiOf, openDiscord, tokenIn } from "../shared/discord.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import { readConfig, tellRefused } from "../shared/read_config.ts";
import type { Io } from "../terminal/io.ts";

/** Seconds until Discord must have the direct message. */
const WAIT_SEC = 15;

interface TestedWay {
  readonly way: AlertWay;
  readonly ok: boolean;
  /** The receiver, or the failure and its fix. */
  readonly detail: string;
}

/** Sends a test by each way, one after the other. */
export async function testAlerts(flags: CommonFlags, io: Io): Promise<ExitCode> {
  const loaded = await readConfig(flags.config, io.env, true);
  if (tellRefused(loaded, io)) return EXIT.config;
  const { config } = loaded;
  const redactor = createRedactor();
  registerSecrets(loaded, io.env, { addSecret: redactor.add });
  const results: TestedWay[] = [];
  for (const way of waysOf(config.alerts)) {
    const tested = way === "dm" ? testDirect(config, flags, io) : testAddress(config, way);
    const { ok, detail } = await io.during(`Sending a test by ${way}`, tested);
    results.push({ way, ok, detail: redactor.clean(detail) });
  }
  if (flags.json) io.out(JSON.stringify(results));
  else {
    const rows = results.map(({ way, ok, detail }) => [ok ? "ok" : "FAIL", way, printable(detail)]);
    for (const line of inColumns(rows)) io.out(line);
    for (const way of missing(config)) io.err(`${way}: not set; the key is alerts.${way}`);
  }
  if (results.length === 0) io.problem("alerts.ways has no way that is set, so no one gets alerts");
  return results.length > 0 && results.every(({ ok }) => ok) ? EXIT.done : EXIT.failed;
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

/** Sends the test to the first owner through the outbox, as all messages. */
async function testDirect(config: BotConfig, flags: CommonFlags, io: Io): Promise<WayResult> {
  const account = config.accounts.find(({ enabled }) => enabled);
  if (!account) return { ok: false, detail: "no account of the config is enabled" };
  const own = forAccount(config, account);
  const owner = await ownerOf(own, io);
  if (typeof owner !== "object") return { ok: false, detail: owner };
  const problems: string[] = [];
  const quiet: Io = {
    ...io,
    out: () => {},
    err: () => {},
    problem: (text) => void problems.push(text),
    during: (_text, work) => work,
  };
  const { accountId } = account;
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

/** The first owner, or why none is known. */
async function ownerOf(config: Config, io: Io): Promise<{ readonly id: UserId } | string> {
  const { owners } = config.discord.access.commands;
  const listed = owners?.find((entry) => entry.kind === "user");
  if (listed?.kind === "user") return { id: listed.id };
  if (owners && owners.length > 0) return "commands.ownerAllowFrom has no id; this test needs one";
  if (owners) return "commands.ownerAllowFrom lists no owner";
  const api = apiOf(io.env);
  if ("problem" in api) return api.problem;
  const token = tokenIn(config);
  if (token === undefined) return "the config has no valid bot token";
  const { applications, stop } = openDiscord(token, api.base);
  try {
    const { ownerId } = await applications.me();
    return ownerId ? { id: ownerId } : "Discord names no owner of the application";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    stop();
  }
}
