/**
 * `barnacle doctor`: checks every known cause that keeps the bot from working, with a fix for each
 * (O3, G13).
 *
 * It is safe beside a running bot: it never sends IDENTIFY, and keeps no lock. `--fix` changes one
 * thing, after a question: the intents that a bot may enable by itself.
 *
 * @module
 */

import { homedir } from "node:os";
import { examineNetwork, STEP_MS } from "../../bot/preflight/examine.ts";
import { type BotConfig, type Config, forAccount } from "../../config/config.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { Finding } from "../../core/finding.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { hostingOf, judgeRuns } from "../../flows/preflight/last_run.ts";
import { judgeHost } from "../../flows/preflight/host.ts";
import { judgeNetwork } from "../../flows/preflight/network.ts";
import { judgeTokenSource } from "../../flows/preflight/token_source.ts";
import { readBootId } from "../../host/process/boot.ts";
import { isService } from "../../host/process/service.ts";
import { findDataDir } from "../../host/files/data_dir.ts";
import { schedule } from "../../lib/clock.ts";
import { pauseText } from "../../lib/text/units.ts";
import { judgeNames } from "./access_findings.ts";
import { apiOf, lockedBot, tokenIn } from "../shared/discord.ts";
import type { ExitCode } from "../shared/exit_code.ts";
import { exitCodeOf, showFindings } from "../shared/findings.ts";
import type { CommonFlags } from "../shared/flags.ts";
import { checkDiscord } from "./check_discord.ts";
import { type HostView, inspectHost, type StoreView } from "./host_facts.ts";
import { createModelCheck, findModel } from "../shared/model_settings.ts";
import { checkEmbedding } from "./embedding_findings.ts";
import { checkExec } from "./exec_findings.ts";
import { judgeServers } from "./mcp_findings.ts";
import { checkSkills } from "./skill_findings.ts";
import { VERSION } from "../../version.ts";
import type { ModelSettings } from "../../providers/settings.ts";
import type { Io } from "../terminal/io.ts";
import { DOCTOR_PARTS, type DoctorPart } from "./doctor_parts.ts";
import { readConfig } from "../shared/read_config.ts";

/** Options of `doctor`. */
export interface DoctorFlags extends CommonFlags {
  /** Parts to check; all if absent. */
  readonly only?: readonly DoctorPart[];
  /** Whether to enable missing intents. */
  readonly fix: boolean;
  /** Whether to do so without a question. */
  readonly yes: boolean;
}

/** The user at the terminal. */
export interface DoctorPorts {
  /** Asks the user; absent without a terminal. */
  readonly confirm?: (question: string) => Promise<boolean>;
}

/** Runs all checks, and prints a line for each. */
export async function doctor(flags: DoctorFlags, io: Io, ports: DoctorPorts): Promise<ExitCode> {
  const findings = await examine(flags, io, ports);
  const exitCode = exitCodeOf(findings);
  if (flags.json) io.out(JSON.stringify({ findings, exitCode }));
  else for (const line of showFindings(findings, io.style)) io.out(line);
  return exitCode;
}

async function examine(
  flags: DoctorFlags,
  io: Io,
  ports: DoctorPorts,
): Promise<readonly Finding[]> {
  const { env } = io;
  const parts = new Set<DoctorPart>(flags.only ?? DOCTOR_PARTS);
  const loaded = await readConfig(flags.config, env);
  const problems = loaded.problems.filter(({ severity }) => severity !== "note").map(toFinding);
  if (loaded.kind === "refused") return problems;
  const api = apiOf(env);
  if ("problem" in api) {
    const why = api.problem;
    return [...problems, { id: "config", what: "Environment", status: "fail", why }];
  }
  const { config } = loaded;
  const now = Date.now();
  const httpToken = config.http.token?.reveal();
  const accounts = config.accounts.map((account) => {
    const own = forAccount(config, account);
    return { config: own, accountId: account.accountId, token: tokenIn(own) };
  });
  const dataDir = findDataDir({
    env,
    home: homedir(),
    ...(flags.data !== undefined && { flag: flags.data }),
  });
  const host = await inspectHost({
    dataDir,
    ...(httpToken !== undefined && { httpToken }),
    accounts: accounts.map(({ accountId, token }) => ({
      accountId,
      ...(token !== undefined && { bot: lockedBot(token, api.base) }),
    })),
    ...(config.embedding !== undefined && { embedding: config.embedding }),
    now,
  });
  const discord: Finding[] = [];
  const gatewayUrls: string[] = [];
  for (const { config, token } of parts.has("discord") ? accounts : []) {
    const about = await checkDiscord(
      { config, token, host, api: api.base },
      { ...flags, ...ports },
      io,
    );
    if (about.gatewayUrl !== undefined) gatewayUrls.push(about.gatewayUrl);
    const { accountId } = config.discord;
    const isSole = accounts.length === 1;
    discord.push(
      ...about.findings.map((finding) => isSole ? finding : ofAccount(finding, accountId)),
    );
  }
  const connects = parts.has("discord") && config.accounts.some(({ enabled }) => enabled);
  return [
    ...(problems.length > 0 ? problems : [validConfig(config)]),
    ...(parts.has("host")
      ? [
        ...checkHost(host, env, now),
        ...checkPauses(accounts.map(({ accountId }) => accountId), host),
        ...checkNames(accounts.map(({ config }) => config), host),
        ...checkTokenSource(accounts.map(({ config }) => config), host, env),
        ...await checkSkills(config, dataDir),
        ...await checkExec(config),
      ]
      : []),
    ...(connects
      ? await io.during(
        "Checking the connection to Discord",
        checkNetwork(api.base, gatewayUrls[0], env),
      )
      : []),
    ...discord,
    ...(parts.has("mcp") && config.mcp.length > 0
      ? await io.during("Connecting to MCP servers", checkServers(config, dataDir))
      : []),
    ...(parts.has("model")
      ? [
        await io.during("Asking the model's server", checkTheModel(config, env)),
        ...await io.during(
          "Asking the embedding model",
          checkEmbedding(config, env, host.known?.embedded),
        ),
      ]
      : []),
  ];
}

/** Connects to the MCP servers of the config. Their code is loaded only then. */
async function checkServers(config: BotConfig, dataDir: string): Promise<readonly Finding[]> {
  const { lookAtServers } = await import("../../bot/process/mcp_look.ts");
  return judgeServers(await lookAtServers(config, dataDir, VERSION));
}

/** Checks the model that `run` would use, without a question to it. */
async function checkTheModel(config: BotConfig, env: Io["env"]): Promise<Finding> {
  const found = await findModel(config, env);
  if (found.kind === "found") {
    const finding = await createModelCheck(found.settings)();
    if (finding.status !== "pass") return finding;
    return { ...finding, why: `${finding.why}; ${await abilitiesText(found.settings)}` };
  }
  const { problem: { path: where, message: why, hint: fix } } = found;
  const about = { id: "config.model", what: "Model", status: "fail" } as const;
  return { ...about, where, why, ...(fix !== undefined && { fix }) };
}

/** What the model can do, as the config and its server tell. */
async function abilitiesText(settings: ModelSettings): Promise<string> {
  const { askAbilities } = await import("../../providers/about/abilities.ts");
  const told = await askAbilities(settings, { fetch, timeoutMs: 10_000, now: Date.now }) ?? {};
  const { tools, images, contextWindow } = { ...told, ...settings.abilities };
  const word = (has: boolean | undefined) => has === undefined ? "unknown" : has ? "yes" : "no";
  const window = contextWindow === undefined ? "unknown" : `${contextWindow} tokens`;
  return `tools: ${word(tools)}, images: ${word(images)}, window: ${window}` +
    (tools === undefined ? " (`barnacle model test` finds out)" : "");
}

/** Checks the connection, which all accounts share. */
async function checkNetwork(
  apiBase: string,
  gatewayUrl: string | undefined,
  env: Io["env"],
): Promise<readonly Finding[]> {
  const network = await examineNetwork({
    apiBase,
    ...(gatewayUrl !== undefined && { gatewayUrl }),
    env,
    showsDns: true,
    opensGateway: true,
  }, { timeoutMs: STEP_MS, elapsed: () => performance.now(), now: Date.now, schedule });
  return judgeNetwork(network, Date.now());
}

/** Names the account in a finding. */
function ofAccount(finding: Finding, accountId: AccountId): Finding {
  return { ...finding, what: `${finding.what} (${accountId})` };
}

function toFinding({ severity, file, line, path, message, hint }: Problem): Finding {
  const place = [file, line].filter((part) => part !== undefined).join(":");
  const where = [place, path].filter((part) => part !== "").join(" ");
  return {
    id: "config",
    what: "Config",
    status: severity === "error" ? "fail" : "warn",
    ...(where !== "" && { where }),
    why: message,
    ...(hint !== undefined && { fix: hint }),
  };
}

function validConfig({ file }: BotConfig): Finding {
  return {
    id: "config",
    what: "Config",
    status: "pass",
    ...(file !== undefined && { where: file }),
    why: file === undefined ? "no file; environment variables suffice" : "valid",
  };
}

function checkHost({ facts, known }: HostView, env: Io["env"], now: number): readonly Finding[] {
  return [
    ...judgeHost(facts),
    ...(known ? [judgeRuns(earlierRuns(known, facts), now, readBootId(), hostingOf(env))] : []),
  ];
}

/** Hints at the tokens that the environment of a service holds. */
function checkTokenSource(
  configs: readonly Config[],
  { facts: { bot } }: HostView,
  env: Io["env"],
): readonly Finding[] {
  const places = configs.map(({ discord: { tokenPlace } }) => tokenPlace);
  const pid = "pid" in bot ? bot.pid : undefined;
  return judgeTokenSource({
    variables: [...new Set(places.filter((place) => env[place]))],
    isService: isService("self") || (pid !== undefined && isService(pid)),
  });
}

/** Reports paused accounts, which answer no one. */
function checkPauses(ids: readonly AccountId[], { known }: HostView): readonly Finding[] {
  return ids.flatMap((accountId) => {
    const pause = known?.accounts.get(accountId)?.pause;
    if (!pause) return [];
    const finding: Finding = {
      id: "bot.paused",
      what: "Pause",
      status: "warn",
      why: `the bot answers no one: paused ${pauseText(pause)}`,
      fix: "run `barnacle resume`",
    };
    return [ids.length === 1 ? finding : ofAccount(finding, accountId)];
  });
}

/** Checks allow lists, with the names that the bot has resolved. */
function checkNames(configs: readonly Config[], { known }: HostView): readonly Finding[] {
  return configs.map(({ discord: { access, accountId } }) => {
    const finding = judgeNames(access, known?.accounts.get(accountId)?.names ?? []);
    return configs.length === 1 ? finding : ofAccount(finding, accountId);
  });
}

/** All runs but the current one. */
function earlierRuns({ runs }: StoreView, { bot }: HostView["facts"]): StoreView["runs"] {
  return bot.kind === "none" ? runs : runs.slice(0, -1);
}
