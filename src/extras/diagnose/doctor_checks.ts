/**
 * Lists the checks of `barnacle doctor` in the order of its rows, with the code of the small ones.
 *
 * A new check is one more entry: its part, and a function from the facts to findings, with an id and
 * a title of their own.
 */

import { existsSync } from "node:fs";
import { examineNetwork, type NetworkOptions } from "../../flows/preflight/examine.ts";
import type { BotConfig, Config } from "../../config/config.ts";
import { pathTo } from "../../core/config_file.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import type { ResolvedName } from "../../core/names.ts";
import { judgeDirect } from "../../flows/preflight/audience.ts";
import { judgeHost } from "./judge_host.ts";
import { hostingOf, judgeRuns } from "../../flows/preflight/last_run.ts";
import { judgeBackups } from "../../flows/preflight/backups.ts";
import { judgeNetwork, type NetworkFacts } from "../../flows/preflight/network.ts";
import { readBootId } from "../../host/process/boot.ts";
import { type Clock, DAY_MS, schedule } from "../../lib/clock.ts";
import { once } from "../../lib/cache.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { pauseText } from "../../lib/text/units.ts";
import { unresolvedNames, withNames } from "../../policy/rules/pinned.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { checkExec, checkModels, checkServers, checkSkills } from "./agent_findings.ts";
import { checkDiscord, type FixOptions } from "./check_discord.ts";
import type { HostView } from "./host_facts.ts";
import type { DoctorPart } from "./parts.ts";
import { hasFailed } from "./stored_facts.ts";
import type { RecentTurn } from "../../store/messages/messages.ts";

export interface DoctorFacts extends Clock {
  readonly config: BotConfig;
  /** Its accounts with their tokens; absent without a usable one. */
  readonly accounts: readonly {
    readonly config: Config;
    readonly token: string | undefined;
  }[];
  /** Absolute path of the data directory. */
  readonly dataDir: string;
  /** Facts of this machine, with stored data. */
  readonly host: HostView;
  readonly api: string;
  /** Whether and how to enable missing intents. */
  readonly mending: FixOptions;
  readonly io: Io;
}

/** A check, or several that need the same facts: a row for each result, or none. */
interface DoctorCheck {
  /** The part of `--only` that it belongs to. */
  readonly part: DoctorPart;
  readonly run: (facts: Inspected) => readonly Finding[] | Promise<readonly Finding[]>;
}

/** The facts, with those that several checks fetch. */
interface Inspected extends DoctorFacts {
  /** Checks each account at Discord, once. */
  readonly discord: () => Promise<DiscordRows>;
  /** Probes the connection, which all accounts share; `undefined` if all of them are off. */
  readonly network: () => Promise<NetworkFacts | undefined>;
}

interface DiscordRows {
  readonly findings: readonly Finding[];
  /** URL of the gateway from Discord; `undefined` if it did not name one. */
  readonly gatewayUrl: string | undefined;
}

/** Every check of `barnacle doctor` but those of the config. */
const DOCTOR_CHECKS: readonly DoctorCheck[] = [
  {
    part: "host",
    run: ({ host }) => judgeHost(host.facts),
  },
  {
    part: "host",
    run: ({ config, host: { facts, known }, io, now }) => {
      if (!known) return [];
      const earlier = facts.bot.kind === "none" ? known.runs : known.runs.slice(0, -1);
      const hosting = hostingOf(io.env);
      const isKeptAwake = config.http.keepAliveUrl !== undefined;
      return [judgeRuns(earlier, now(), readBootId(), hosting && { ...hosting, isKeptAwake })];
    },
  },
  {
    part: "host",
    run: ({ config, host: { known }, now }) => {
      if (!known) return [];
      const { backups } = known;
      const isThere = existsSync(backups.made?.path ?? "");
      return [judgeBackups(backups, config.backup, now(), isThere)];
    },
  },
  {
    part: "host",
    run: ({ host: { known }, now }) => known ? [judgeAnswers(known.turns, now())] : [],
  },
  { part: "host", run: (facts) => byAccount(facts, judgePause) },
  {
    part: "host",
    run: (facts) =>
      byAccount(facts, ({ discord: { access, accountId } }, { known }) => [
        judgeNames(access, known?.accounts.get(accountId)?.names ?? []),
      ]),
  },
  {
    part: "host",
    run: (facts) =>
      byAccount(facts, ({ discord: { access, accountId, enabled } }, { known }) => {
        const people = known?.accounts.get(accountId) ?? { paired: 0, waiting: 0 };
        return enabled ? [judgeDirect(access, people)] : [];
      }),
  },
  { part: "host", run: ({ config, dataDir }) => checkSkills(config, dataDir) },
  { part: "host", run: ({ config }) => checkExec(config) },
  {
    part: "discord",
    run: async ({ network, now }) => {
      const facts = await network();
      return facts ? judgeNetwork(facts, now()) : [];
    },
  },
  {
    part: "discord",
    run: async ({ discord }) => (await discord()).findings,
  },
  {
    part: "mcp",
    run: ({ config, dataDir, io }) =>
      Object.keys(config.mcp.servers).length === 0
        ? []
        : io.during("Connecting to MCP servers", checkServers(config, dataDir)),
  },
  {
    part: "model",
    run: ({ config, io }) => io.during("Asking the model's server", checkModels(config, io.env)),
  },
];

export async function runDoctorChecks(
  parts: ReadonlySet<DoctorPart>,
  facts: DoctorFacts,
): Promise<readonly Finding[]> {
  const { config, api, io } = facts;
  const discord = once(() => checkAccounts(facts));
  const inspected: Inspected = {
    ...facts,
    discord,
    async network() {
      const { gatewayUrl } = await discord();
      if (!config.accounts.some(({ enabled }) => enabled)) return undefined;
      return await probeNetwork({ apiBase: api, gatewayUrl }, io);
    },
  };
  const findings: Finding[] = [];
  for (const { part, run } of DOCTOR_CHECKS) {
    if (parts.has(part)) findings.push(...await run(inspected));
  }
  const { bot } = facts.host.facts;
  const told = bot.kind === "answers" ? bot.findings : [];
  const own = new Set(findings.filter((one) => !told.includes(one)).map(({ id }) => id));
  return findings.filter((one) => !told.includes(one) || !own.has(one.id)); // what it checks itself
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
  place: Pick<NetworkOptions, "apiBase" | "gatewayUrl">,
  io: Io,
): Promise<NetworkFacts> {
  const examined = examineNetwork(
    { ...place, env: io.env, showsDns: true, opensGateway: true },
    { now: Date.now, steadyNow: () => performance.now(), schedule },
  );
  return io.during("Checking the connection to Discord", examined);
}

async function checkAccounts(
  { accounts, host, api, mending, io }: DoctorFacts,
): Promise<DiscordRows> {
  const findings: Finding[] = [];
  let gatewayUrl: string | undefined;
  for (const { config, token } of accounts) {
    const about = await checkDiscord({ config, token, host, api }, mending, io);
    gatewayUrl ??= about.gatewayUrl;
    findings.push(...named(about.findings, config.discord.accountId, accounts.length));
  }
  return { findings, gatewayUrl };
}

/** A slow answer takes at least this many times the median, and this many milliseconds. */
const SLOW = { times: 3, ms: 10_000 };

/**
 * Judges the answers of the last day, and names the newest one that failed.
 *
 * @param turns The newest first.
 */
export function judgeAnswers(turns: readonly RecentTurn[], now: number): Finding {
  const about = { id: "answers", what: "Answers" } as const;
  const msOf = ({ acceptedAt, finishedAt }: RecentTurn) => finishedAt - acceptedAt;
  const last = turns.filter(({ finishedAt }) => finishedAt > now - DAY_MS);
  const median = last.map(msOf).toSorted((one, other) => one - other)[last.length >> 1] ?? 0;
  const slow = last.filter((turn) => msOf(turn) >= Math.max(SLOW.ms, SLOW.times * median));
  const [newest, ...failed] = last.filter(hasFailed);
  const slowText = slow.length > 0 ? `; ${slow.length} took far longer than usual` : "";
  if (!newest) {
    return {
      ...about,
      status: "pass",
      why: `${last.length} in the last day, none failed${slowText}`,
    };
  }
  return {
    ...about,
    status: "warn",
    why: `${failed.length + 1} of ${last.length} in the last day failed, the newest with: ` +
      `${newest.failure ?? newest.state}${slowText}`,
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
export function judgeNames(policy: AccessPolicy, names: readonly ResolvedName[]): Finding {
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
