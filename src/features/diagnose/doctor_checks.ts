/**
 * Runs the checks of `barnacle doctor` in the order of its rows: the machine, the account at Discord, models, MCP servers (T13), skills (T7), and the sandbox of commands (A3).
 */

import process from "node:process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ask,
  examineDiscord,
  examineGuilds,
  examineNetwork,
} from "../../flows/preflight/examine.ts";
import { createModelCheck, findModel, type FoundModel } from "../../cli/models/model_settings.ts";
import { type Discord, openDiscord } from "../../cli/shared/discord.ts";
import type { Io } from "../../cli/terminal/io.ts";
import type { BotConfig, Config } from "../../config/config.ts";
import {
  type IdentifyBudget,
  identifyBudget,
  type SessionStartLimit,
} from "../../core/discord/gateway.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import { cutText, problemWithWords } from "../../core/mcp_state.ts";
import { windowOf } from "../../core/model.ts";
import type { ResolvedName } from "../../core/names.ts";
import {
  flagsGranting,
  type PrivilegedIntent,
  toIntents,
} from "../../discord/gateway/read/intents.ts";
import { RestError } from "../../discord/rest/exchange/exchange.ts";
import {
  type Application,
  askApplication,
  readGatewayInfo,
  setFlags,
} from "../../discord/rest/requests/application.ts";
import { probeSandbox } from "../../exec/host_commands.ts";
import {
  judgeAudience,
  judgeDirect,
  judgePermissions,
  listedIn,
} from "../../flows/preflight/permissions.ts";
import { hostingOf, judgeBackups, judgeRuns } from "../../flows/preflight/host.ts";
import { judgeDiscord } from "../../flows/preflight/discord.ts";
import { judgeWindow } from "../../flows/preflight/model.ts";
import { judgeNetwork, type NetworkFacts } from "../../flows/preflight/network.ts";
import { PROGRAM_BOUNDS } from "../../host/limits/program_bounds.ts";
import { readBootId } from "../../host/process/boot.ts";
import { type Clock, DAY_MS } from "../../lib/clock.ts";
import { pathTo, printable, quoted } from "../../lib/text/quoted.ts";
import { pauseText } from "../../lib/text/units.ts";
import type { McpLook, McpView } from "../../mcp/look.ts";
import { unresolvedNames, withNames } from "../../policy/rules.ts";
import type { AccessPolicy } from "../../policy/rules.ts";
import { modelIdOf, type ModelSettings } from "../../providers/settings.ts";
import type { RecentTurn } from "../../store/messages/messages.ts";
import { VERSION } from "../../version.ts";
import { findSkillsOfAll } from "../../workspace/skills.ts";
import { windowSource } from "../model/test.ts";
import type { HostView } from "./host_facts.ts";
import type { DoctorPart } from "./commands.ts";
import { hasFailed } from "./stored_facts.ts";

/** Checks the models that `run` would use, without a question: each once. */
async function checkModels(config: BotConfig, env: Io["env"]): Promise<readonly Finding[]> {
  const checks = new Map<string, () => Promise<Finding>>();
  for (const agent of config.agentList) {
    const found = await findModel(config, agent, env);
    const id = found.kind === "found" ? modelIdOf(found.settings) : found.problem.path;
    checks.set(id, () => checkFound(found));
  }
  return await Promise.all(Array.from(checks.values(), (check) => check()));
}

async function checkFound(found: FoundModel): Promise<Finding> {
  if (found.kind === "found") {
    const checked = await createModelCheck(found.settings)();
    if (checked.status !== "pass") return checked;
    const { text, window } = await abilitiesOf(found.settings);
    return { ...checked, why: `${checked.why}; ${text}`, ...window };
  }
  const { problem: { path: where, message: why, hint: fix } } = found;
  return { id: "config.model", what: "Model", status: "fail", where, why, fix };
}

/** The abilities of the model, as the config and its server tell them; and a window too small. */
async function abilitiesOf(settings: ModelSettings) {
  const { askAbilities } = await import("../../providers/about/abilities.ts");
  const told = await askAbilities(settings, 10_000) ?? {};
  const { tools, images, ...abilities } = { ...told, ...settings.abilities };
  const word = (has: boolean | undefined) => has === undefined ? "unknown" : has ? "yes" : "no";
  const window = windowOf(abilities);
  const from = windowSource(settings, told);
  const size = `${window.contextWindow} tokens (${from})`;
  return {
    text: `tools: ${word(tools)}, images: ${word(images)}, window: ${size}` +
      (tools === undefined ? " (`barnacle model test` finds out)" : ""),
    window: judgeWindow(window, from),
  };
}

/** Connects to the MCP servers of the config. Their code is loaded only then. */
async function checkServers(config: BotConfig, dataDir: string): Promise<readonly Finding[]> {
  const [{ lookAtServers }, { mcpHostPorts, serversOf }] = await Promise.all([
    import("../../mcp/look.ts"),
    import("../../bot/mcp/ports.ts"),
  ]);
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const { confine, logins } = mcpHostPorts(() => config, dataDir, quiet);
  const servers = serversOf(config, "operator");
  return judgeServers(await lookAtServers(servers, { confine, logins, version: VERSION }));
}

/** One finding per server, and one if programs have no sandbox. */
export function judgeServers({ servers, sandbox }: McpView): readonly Finding[] {
  const isOpen = servers.some((server) => server.sandbox === "no");
  return [
    ...servers.map(judgeServer),
    ...(isOpen && sandbox?.kind === "none"
      ? [
        {
          id: "mcp.sandbox",
          what: "MCP sandbox",
          status: "warn",
          why: `programs of MCP servers run as Barnacle's user, without a sandbox: ${
            printable(sandbox.why)
          }`,
          fix: "install bubblewrap (`bwrap`), and allow it user namespaces; or write " +
            '`"sandbox": "off"` for servers that you trust',
        } satisfies Finding,
      ]
      : []),
  ];
}

function judgeServer(
  { id, problem, said, wantsSignIn, tools, cut = [], sandbox }: McpLook,
): Finding {
  const about = { id: "mcp", what: `MCP server ${id}`, where: `mcp.servers.${id}` } as const;
  if (problem !== undefined) {
    const fix = wantsSignIn
      ? `run \`barnacle mcp login ${id}\``
      : "correct the server's keys, or remove it from the config";
    return { ...about, status: "fail", why: printable(problemWithWords(problem, said)), fix };
  }
  const why = `${tools} tools${sandbox === "yes" ? "; in a sandbox" : ""}`;
  if (cut.length === 0) return { ...about, status: "pass", why };
  const fix = `\`${about.where}.allow\` chooses the tools`;
  return { ...about, status: "warn", why: `${why}; ${printable(cutText(cut))}`, fix };
}

/** Finds skills that cannot be used. */
async function checkSkills(config: BotConfig, dataDir: string): Promise<readonly Finding[]> {
  const { skills, problems } = await findSkillsOfAll(config, dataDir);
  if (skills.length === 0 && problems.length === 0) return [];
  const about = { id: "skills", what: "Skills" } as const;
  return [
    ...problems.map(({ file, reason }): Finding => ({
      ...about,
      status: "warn",
      where: file,
      why: `${printable(file)} cannot be used: ${printable(reason)}`,
      fix: "correct the file, or remove its folder",
    })),
    { ...about, status: "pass", why: skills.map(({ name }) => name).join(", ") || "none" },
  ];
}

/** Finds whether commands can run, if the config allows them. */
export async function checkExec(
  { exec }: BotConfig,
  platform: string = process.platform,
): Promise<readonly Finding[]> {
  if (!exec) return [];
  const about = { id: "exec", what: "Commands on the host" } as const;
  if (platform === "win32") {
    const why = "no command runs on Windows, where Barnacle has no sandbox";
    return [{
      ...about,
      status: "fail",
      why,
      fix: "remove `exec`, or run the bot on Linux or in WSL",
    }];
  }
  const folder = mkdtempSync(join(tmpdir(), "barnacle-exec-"));
  try {
    const bwrap = await probeSandbox(folder, PROGRAM_BOUNDS);
    if (bwrap !== undefined) {
      return [{ ...about, status: "pass", why: `they run in bubblewrap (${bwrap})` }];
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return exec.sandbox === "off"
    ? [{
      ...about,
      status: "warn",
      why: "bubblewrap does not work, so commands can read the bot's token and its data",
      fix: "install bubblewrap, and remove `exec.sandbox`",
    }]
    : [{
      ...about,
      status: "fail",
      why: "bubblewrap does not work, so no command runs",
      fix: "install bubblewrap, and run the bot outside the machine's systemd unit; or set " +
        '`exec.sandbox: "off"` and take the risk',
    }];
}

const ASKING = "Asking Discord";

/** Checks the account, and enables missing intents on request. */
async function checkDiscord(
  { config, api, token, host }: {
    readonly config: Config;
    readonly api: string;
    /** The account's token; absent without a usable one. */
    readonly token: string | undefined;
    /** Facts of this machine, with stored data. */
    readonly host: HostView;
  },
  { fix, yes }: DoctorFacts["mending"],
  io: Io,
): Promise<{
  readonly findings: readonly Finding[];
  /** URL of the gateway from Discord, now or at the last connection. */
  readonly gatewayUrl?: string;
}> {
  const { accountId, enabled, access } = config.discord;
  const known = host.known?.accounts.get(accountId);
  if (!enabled) {
    const why = `${
      access.ruleOf("channels.discord.enabled")
    } is false, so the bot does not connect`;
    return { findings: [{ id: "discord", what: "Discord", status: "skipped", why }] };
  }
  const discord = token === undefined ? undefined : openDiscord(token, api);
  const { tokenPlace, gateway: { intents, reactions } } = config.discord;
  const wanted = toIntents(intents, reactions);
  const examine = async () => {
    if (!discord || token === undefined) {
      return { facts: await examineDiscord(undefined, tokenPlace, wanted), application: undefined };
    }
    const { api } = discord;
    const told = await ask(() => askApplication(api));
    const facts = await examineDiscord({ token, told, api }, tokenPlace, wanted);
    return { facts, application: told.kind === "answered" ? told.found : undefined };
  };
  try {
    let { facts, application } = await io.during(ASKING, examine());
    const missing = facts.intents?.missing ?? [];
    if (fix && discord && application && missing.length > 0) {
      const confirm = yes ? () => Promise.resolve(true) : io.confirm;
      const isChanged = await grantIntents(missing, application, discord.api, io, confirm);
      if (isChanged) {
        ({ facts, application } = await io.during(ASKING, examine()));
      }
    }
    // Only with a valid token: Discord counts rejected requests against the IP address.
    const about = discord && application
      ? await io.during(ASKING, furtherFacts(discord, config, known?.names ?? []))
      : undefined;
    const gatewayUrl = about?.place?.url ?? known?.gatewayUrl;
    const now = Date.now();
    const budget = leastOf(known?.budget, about?.place?.limit, now);
    return {
      findings: [
        ...judgeDiscord({ ...facts, ...about?.guilds, budget }, now),
        ...(about?.findings ?? []),
      ],
      gatewayUrl,
    };
  } finally {
    discord?.stop();
  }
}

/** Reads the gateway's place, and the guilds with the bot's permissions. */
async function furtherFacts(
  discord: Discord,
  config: Config,
  names: Parameters<typeof withNames>[1],
) {
  const { discord: { access } } = config;
  const policy = withNames(access, names);
  const gateway = await ask(() => readGatewayInfo(discord.api, Date.now()));
  const guilds = await examineGuilds(
    discord.api,
    (guild) => listedIn(policy, guild),
    Date.now(),
  );
  const place = gateway.kind === "answered" ? gateway.found : undefined;
  if (guilds.kind !== "answered") return { place, findings: [] };
  const { found } = guilds;
  return {
    place,
    guilds: { guildNames: found.map(({ name }) => name) },
    findings: [...judgeAudience(policy, found), ...judgePermissions(policy, found)],
  };
}

/** The smaller of our own count and Discord's, which includes other processes. */
function leastOf(
  own: IdentifyBudget | undefined,
  limit: SessionStartLimit | undefined,
  now: number,
): IdentifyBudget | undefined {
  const theirs = limit && identifyBudget({ identifies: [], limit }, now);
  if (!own || !theirs) return own ?? theirs;
  return own.left <= theirs.left ? own : theirs;
}

/**
 * Asks the user, then asks Discord to enable the missing intents.
 *
 * @returns Whether Discord has enabled them.
 */
async function grantIntents(
  missing: readonly PrivilegedIntent[],
  { name, flags }: Application,
  api: Discord["api"],
  { err, problem }: Io,
  confirm: Io["confirm"],
): Promise<boolean> {
  const what = `enable ${missing.join(" and ")} for ${name}`;
  if (!confirm) {
    problem(`nothing changed: to ${what}, add --yes, or run this on a terminal`);
    return false;
  }
  if (!await confirm(`May I ${what} in Discord's developer portal?`)) {
    err("Nothing changed.");
    return false;
  }
  try {
    await setFlags(api, flagsGranting(missing, flags));
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    problem(`Discord refused: ${error.message}`);
    return false;
  }
  err(`Done: asked Discord to ${what}. Restart a running bot to use it.`);
  return true;
}

interface DoctorFacts extends Clock {
  readonly config: BotConfig;
  /** Its accounts with their tokens; absent without a usable one. */
  readonly accounts: readonly { readonly config: Config; readonly token: string | undefined }[];
  /** Absolute path of the data directory. */
  readonly dataDir: string;
  /** Facts of this machine, with stored data. */
  readonly host: HostView;
  readonly api: string;
  /** Whether to enable missing intents, and without a question. */
  readonly mending: { readonly fix: boolean; readonly yes: boolean };
  readonly io: Io;
}

/** Runs every check of `barnacle doctor` but those of the config, in the order of its rows. */
export async function runDoctorChecks(
  parts: ReadonlySet<DoctorPart>,
  facts: DoctorFacts,
): Promise<readonly Finding[]> {
  const { config, dataDir, host, api, io, now } = facts;
  const findings: Finding[] = [];
  if (parts.has("host")) {
    findings.push(
      ...host.findings,
      ...judgeStored(facts),
      ...byAccount(facts, judgePause),
      ...byAccount(facts, judgeAllowed),
      ...byAccount(facts, judgePeople),
      ...await checkSkills(config, dataDir),
      ...await checkExec(config),
    );
  }
  if (parts.has("discord")) {
    const { findings: ofDiscord, gatewayUrl } = await checkAccounts(facts);
    const isOn = config.accounts.some(({ enabled }) => enabled);
    const network = isOn ? await probeNetwork({ apiBase: api, gatewayUrl }, io) : undefined;
    findings.push(...network ? judgeNetwork(network, now()) : [], ...ofDiscord);
  }
  if (parts.has("mcp") && Object.keys(config.mcp.servers).length > 0) {
    const servers = checkServers(config, dataDir);
    findings.push(...await io.during("Connecting to MCP servers", servers));
  }
  if (parts.has("model")) {
    const models = checkModels(config, io.env);
    findings.push(...await io.during("Asking the model's server", models));
  }
  const { told } = host;
  const own = new Set(findings.filter((one) => !told.includes(one)).map(({ id }) => id));
  return findings.filter((one) => !told.includes(one) || !own.has(one.id)); // what it checks itself
}

/** Judges earlier runs, backups and answers; nothing without a store. */
function judgeStored({ config, host, io, now }: DoctorFacts): readonly Finding[] {
  const { known, isInUse } = host;
  if (!known) return [];
  const { backups, runs, turns } = known;
  const earlier = isInUse ? runs.slice(0, -1) : runs;
  const hosting = hostingOf(io.env);
  const isKeptAwake = config.http.keepAliveUrl !== undefined;
  return [
    judgeRuns(earlier, now(), readBootId(), hosting && { ...hosting, isKeptAwake }),
    judgeBackups(backups, config.backup, now(), existsSync(backups.made?.path ?? "")),
    judgeAnswers(turns, now()),
  ];
}

function judgeAllowed({ discord }: Config, { known }: HostView): readonly Finding[] {
  return [judgeNames(discord.access, known?.accounts.get(discord.accountId)?.names ?? [])];
}

function judgePeople({ discord }: Config, { known }: HostView): readonly Finding[] {
  const people = known?.accounts.get(discord.accountId) ?? { paired: 0, waiting: 0 };
  return discord.enabled ? [judgeDirect(discord.access, people)] : [];
}

/** Runs a check for each account; with several, each title names its account. */
function byAccount(
  { accounts, host }: DoctorFacts,
  check: (config: Config, host: HostView) => readonly Finding[],
): readonly Finding[] {
  return accounts.flatMap(({ config }) =>
    named(check(config, host), config.discord.accountId, accounts.length)
  );
}

function named(
  findings: readonly Finding[],
  accountId: AccountId,
  accounts: number,
): readonly Finding[] {
  if (accounts === 1) return findings;
  return findings.map((finding) => ({ ...finding, what: `${finding.what} (${accountId})` }));
}

/** Probes the way to REST and to the gateway. */
export function probeNetwork(
  place: { readonly apiBase: string; readonly gatewayUrl?: string | undefined },
  io: Io,
): Promise<NetworkFacts> {
  const examined = examineNetwork(
    { ...place, env: io.env, showsDns: true, opensGateway: true },
  );
  return io.during("Checking the connection to Discord", examined);
}

/** Checks each account at Discord; `gatewayUrl` is that of the gateway, if Discord has named one. */
async function checkAccounts({ accounts, host, api, mending, io }: DoctorFacts) {
  const findings: Finding[] = [];
  let gatewayUrl: string | undefined;
  for (const { config, token } of accounts) {
    const about = await checkDiscord({ config, token, host, api }, mending, io);
    gatewayUrl ??= about.gatewayUrl;
    findings.push(...named(about.findings, config.discord.accountId, accounts.length));
  }
  return { findings, gatewayUrl };
}

/**
 * Judges the answers of the last day, and names the newest one that failed.
 *
 * @param turns The newest first.
 */
export function judgeAnswers(turns: readonly RecentTurn[], now: number): Finding {
  const about = { id: "answers", what: "Answers" } as const;
  const last = turns.filter(({ finishedAt }) => finishedAt > now - DAY_MS);
  const [newest, ...failed] = last.filter(hasFailed);
  if (!newest) {
    return { ...about, status: "pass", why: `${last.length} in the last day, none failed` };
  }
  return {
    ...about,
    status: "warn",
    why: `${failed.length + 1} of ${last.length} in the last day failed, the newest with: ` +
      `${newest.failure ?? newest.state}`,
    fix: `run \`barnacle why ${newest.messageId}\``,
  };
}

/** Reports a paused account, which answers no one. */
function judgePause({ discord }: Config, { known }: HostView): readonly Finding[] {
  const pause = known?.accounts.get(discord.accountId)?.pause;
  if (!pause) return [];
  return [{
    id: "bot.paused",
    what: "Pause",
    status: "warn",
    why: `the bot answers no one: paused ${pauseText(pause)}`,
    fix: "run `barnacle resume`",
  }];
}

/** Names in the row; it counts the others. */
const SHOWN = 5;

/**
 * Finds allow list entries that match by name, which another user may take (P4). Roles are not
 * checked: only managers of a guild can name them.
 *
 * @param names Names that the bot has resolved.
 */
function judgeNames(policy: AccessPolicy, names: readonly ResolvedName[]): Finding {
  const about = { id: "access.names", what: "Allowlists" } as const;
  const open = [...byName(withNames(policy, names))];
  if (open.length === 0) {
    return { ...about, status: "pass", why: "all entries are ids" };
  }
  const shown = open.slice(0, SHOWN).map(({ typed, rule }) => `${quoted(typed)} (${rule})`);
  const others = open.length > SHOWN ? ` and ${open.length - SHOWN} more` : "";
  return {
    ...about,
    status: "warn",
    why: `entries matched by a name, which another user may take: ${shown.join(", ")}${others}`,
    fix: "replace them by ids in the config",
  };
}

function* byName(
  policy: AccessPolicy,
): Generator<{ readonly typed: string; readonly rule: string }> {
  for (const name of unresolvedNames(policy)) if (name.kind !== "role") yield name;
  const rule = policy.ruleOf("channels.discord.dm.groupChannels");
  for (const [at, entry] of policy.dm.groupChannels?.entries() ?? []) {
    if (entry.kind === "name") yield { typed: entry.name, rule: pathTo(rule, at) };
  }
}
