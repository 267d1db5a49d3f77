/**
 * Checks one account at Discord for `barnacle doctor`: token, intents, guilds, permissions and
 * remaining IDENTIFYs.
 */

import { ask, type DiscordOptions, examineDiscord } from "../../flows/preflight/examine.ts";
import { examineGuilds } from "../../flows/preflight/examine_guilds.ts";
import type { Config } from "../../config/config.ts";
import {
  type IdentifyBudget,
  identifyBudget,
  type SessionStartLimit,
} from "../../core/discord/identify_budget.ts";
import type { Finding } from "../../core/finding.ts";
import {
  flagsGranting,
  type PrivilegedIntent,
  toIntents,
} from "../../discord/gateway/read/intents.ts";
import { judgeAudience } from "../../flows/preflight/audience.ts";
import { judgeDiscord } from "../../flows/preflight/discord.ts";
import { judgePermissions, listedIn } from "../../flows/preflight/permissions.ts";
import { withNames } from "../../policy/rules/pinned.ts";
import { ASK_MS, type Discord, openDiscord } from "../../cli/shared/discord.ts";
import type { Io } from "../../cli/terminal/io.ts";
import type { Application, Applications } from "../../discord/rest/requests/application.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import type { HostView } from "./host_facts.ts";

/** Whether and how to enable missing intents. */
export interface FixOptions {
  readonly fix: boolean;
  /** Whether to do so without a question. */
  readonly yes: boolean;
  /** Asks the user; absent without a terminal. */
  readonly confirm?: (question: string) => Promise<boolean>;
}

const ASKING = "Asking Discord";

/** Checks the account, and enables missing intents on request. */
export async function checkDiscord(
  { config, api, token, host }: {
    readonly config: Config;
    readonly api: string;
    /** The account's token; absent without a usable one. */
    readonly token: string | undefined;
    /** Facts of this machine, with stored data. */
    readonly host: HostView;
  },
  mending: FixOptions,
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
  const options: DiscordOptions = {
    tokenPlace: config.discord.tokenPlace,
    intents: toIntents(config.discord.gateway.intents, config.discord.gateway.reactions),
    bot: discord && token !== undefined ? { token, applications: discord.applications } : undefined,
  };
  try {
    let { facts, application } = await io.during(ASKING, examineDiscord(options, ASK_MS));
    const missing = facts.intents?.missing ?? [];
    if (mending.fix && discord && application && missing.length > 0) {
      const isChanged = await grantIntents(missing, application, discord.applications, {
        err: io.err,
        problem: io.problem,
        ...(mending.yes ? { confirm: () => Promise.resolve(true) } : mending),
      });
      if (isChanged) {
        ({ facts, application } = await io.during(ASKING, examineDiscord(options, ASK_MS)));
      }
    }
    // Only with a valid token: Discord counts rejected requests against the IP address.
    const about = discord && application
      ? await io.during(
        ASKING,
        furtherFacts(discord, config, known?.names ?? []),
      )
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
  const gateway = await ask(() => discord.readGatewayInfo(), ASK_MS);
  const guilds = await examineGuilds(
    discord.api,
    () => discord.applications.self(),
    (guild) => listedIn(policy, guild),
    Date.now(),
    ASK_MS,
  );
  const place = gateway.kind === "answered" ? gateway.found : undefined;
  if (guilds.kind !== "answered") return { place, findings: [] };
  const { found } = guilds;
  return {
    place,
    guilds: { guildNames: found.map(({ name }) => name) },
    findings: [
      ...judgeAudience(policy, found),
      ...judgePermissions(policy, found),
    ],
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
export async function grantIntents(
  missing: readonly PrivilegedIntent[],
  { name, flags }: Application,
  applications: Pick<Applications, "setFlags">,
  { err, problem, confirm }: Pick<Io, "err" | "problem"> & Pick<FixOptions, "confirm">,
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
    await applications.setFlags(flagsGranting(missing, flags));
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    problem(`Discord refused: ${error.message}`);
    return false;
  }
  err(`Done: asked Discord to ${what}. Restart a running bot to use it.`);
  return true;
}
