/**
 * Judges Discord's answers about the bot itself: its token, its intents, its guilds, and its
 * remaining IDENTIFYs (G13).
 */

import { type IdentifyBudget, LOW } from "../../core/discord/gateway.ts";
import { type ApplicationId, SHAPE_WORDS, type TokenShape } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import { inviteUrl } from "../../core/invite.ts";
import { quoted } from "../../lib/text/quoted.ts";

export type ProbeAnswer<Found> =
  | { readonly kind: "answered"; readonly found: Found }
  /** 401: the token is not valid. */
  | { readonly kind: "refused" }
  /** 429. */
  | { readonly kind: "limited"; readonly why: string }
  /** Another server answers in Discord's place: a proxy, a captive portal, or a wrong address. */
  | { readonly kind: "foreign"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string };

/** A checkbox of the developer portal, by the name of its intent. */
export type MissingIntent = "message_content" | "guild_members" | "guild_presences";

/** The bot's application, as Discord reports it. */
export interface BotFacts {
  readonly id: ApplicationId;
  readonly name: string;
  /** The team's name, or the owner's user name; absent if Discord does not report it. */
  readonly owner?: string;
  /** Approximate number of guilds; absent if Discord does not report it. */
  readonly guildCount?: number;
}

export interface DiscordFacts {
  /** Absent if there is no token to ask with. */
  readonly application?: ProbeAnswer<BotFacts>;
  /** The form of the token, for an operator who copied something else. */
  readonly tokenShape: TokenShape;
  /** Where to set the token: a variable, a file, or a config key. */
  readonly tokenPlace: string;
  /**
   * Intents that are not granted: `missing` ones the config asks for, `spared` ones it can do
   * without. Absent if unknown.
   */
  readonly intents?: {
    readonly missing: readonly MissingIntent[];
    readonly spared: readonly MissingIntent[];
  };
  /** Whether the bot is in any guild; absent if Barnacle did not ask. */
  readonly hasGuild?: ProbeAnswer<boolean>;
  /** Names of all guilds of the bot; absent if Barnacle did not ask. */
  readonly guildNames?: readonly string[];
  /** Remaining IDENTIFYs; absent if unknown. */
  readonly budget?: IdentifyBudget;
}

/** The portal's page with token, intents and invite settings. */
function portalOf(id: ApplicationId | undefined): string {
  return id === undefined
    ? "https://discord.com/developers/applications"
    : `https://discord.com/developers/applications/${id}/bot`;
}

/**
 * Judges all facts about the bot.
 *
 * @returns Findings in the order in which to show them.
 */
export function judgeDiscord(facts: DiscordFacts, now: number): readonly Finding[] {
  const { application } = facts;
  if (application?.kind !== "answered") {
    const why = whyUnknown(application);
    return [
      judgeToken(facts),
      { id: "discord.intents", what: "Intents", status: "skipped", why },
      { id: "discord.guilds", what: "Guilds", status: "skipped", why },
      ...budget(facts, now),
    ];
  }
  const bot = application.found;
  return [judgeToken(facts), ...intents(facts, bot), guilds(facts, bot), ...budget(facts, now)];
}

/** Why an account cannot be asked about. */
export const NO_TOKEN = "there is no bot token";

/** Why Discord's view of the bot is unknown. An answer that does not help is an answer. */
export function whyUnknown(
  answer: Exclude<ProbeAnswer<unknown>, { kind: "answered" }> | undefined,
): string {
  if (!answer) return NO_TOKEN;
  return answer.kind === "refused" ? "Discord does not accept the token" : answer.why;
}

export function judgeToken({ application, tokenShape, tokenPlace }: DiscordFacts): Finding {
  const about = { id: "discord.token", what: "Token", where: tokenPlace };
  if (!application) {
    return {
      ...about,
      id: "config.token", // no refusal: the config lacks it
      status: "fail",
      why: NO_TOKEN,
      fix: `get it under Bot, Reset Token, at ${
        portalOf(undefined)
      }, and write it to ${tokenPlace}`,
    };
  }
  switch (application.kind) {
    case "answered": {
      const { name, id, owner } = application.found;
      const whose = owner === undefined ? "" : `, owned by ${owner}`;
      return { ...about, status: "pass", why: `it belongs to ${name} (application ${id}${whose})` };
    }
    case "refused":
      return {
        ...about,
        status: "fail",
        why: tokenShape === "token"
          ? "Discord does not accept this token (401): it was reset, or the application was deleted"
          : `Discord does not accept this token (401); it ${
            SHAPE_WORDS[tokenShape] === undefined
              ? "does not look like a token"
              : `looks like ${SHAPE_WORDS[tokenShape]}`
          }`,
        fix: `reset it under Bot, Reset Token, at ${portalOf(undefined)}, ` +
          `and write the new one to ${tokenPlace}`,
      };
    case "limited":
      return {
        ...about,
        status: "warn",
        why: `Discord does not answer this machine for now: ${application.why}`,
        fix: "stop the program that sends too many requests from this address, and wait an hour",
      };
    case "foreign":
      return {
        ...about,
        status: "warn",
        why: "not checked: another server answers in Discord's place " +
          `(its answer is not in Discord's form): ${application.why}`,
        fix:
          "if DISCORD_API_URL or a proxy is set, check it; otherwise look for a captive portal " +
          "or firewall in this network",
      };
    case "failed":
      return {
        ...about,
        status: "warn", // not checked does not count as right
        why: `not checked: ${application.why}`,
        fix: "see the network checks, and try again",
      };
  }
}

/** The portal's name of the checkbox, and the effect of its absence. */
const INTENTS: Readonly<Record<MissingIntent, { checkbox: string; without: string }>> = {
  message_content: {
    checkbox: "Message Content Intent",
    without: "Without the content intent: the bot reads only mentions, replies to it and DMs",
  },
  guild_members: {
    checkbox: "Server Members Intent",
    without: "Without the members intent: the bot does not see joins and name changes",
  },
  guild_presences: {
    checkbox: "Presence Intent",
    without: "Without the presence intent: the bot does not see the online status of people",
  },
};

/**
 * Explains intents that are not granted, for the log and for the health report.
 *
 * @param id The application, for a link to its portal page; the general page if absent.
 */
export function missingIntentFindings(
  missing: readonly MissingIntent[],
  id: ApplicationId | undefined,
): readonly Finding[] {
  return missing.map((name): Finding => {
    const { checkbox, without } = INTENTS[name];
    return {
      id: `discord.intents.${name}`,
      what: checkbox,
      status: "warn",
      where: portalOf(id),
      why: without,
      fix: `tick "${checkbox}" at ${portalOf(id)}, or let \`barnacle doctor --fix\` do it; ` +
        "then restart",
    };
  });
}

function intents({ intents: chosen }: DiscordFacts, { id }: BotFacts): readonly Finding[] {
  if (!chosen) return [];
  const { missing, spared } = chosen;
  if (missing.length > 0) return missingIntentFindings(missing, id);
  const missingNames = spared.map((name) => INTENTS[name].checkbox).join(", ");
  return [{
    id: "discord.intents",
    what: "Intents",
    status: "pass",
    where: portalOf(id),
    why: missingNames === ""
      ? "all intents in the config are granted"
      : `granted; the bot works without the ${missingNames}, which is not ticked`,
  }];
}

/** Maximum number of names in the row of guilds. */
const NAMES_MAX = 10;

function guilds({ hasGuild, guildNames }: DiscordFacts, { id, guildCount }: BotFacts): Finding {
  const about = { id: "discord.guilds", what: "Guilds" };
  if (guildNames && guildNames.length > 0) {
    const more = guildNames.length - NAMES_MAX;
    const names = guildNames.slice(0, NAMES_MAX).map((name) => quoted(name)).join(", ");
    const why = `the bot is in ${guildNames.length}: ${names}${
      more > 0 ? ` and ${more} more` : ""
    }`;
    return { ...about, status: "pass", why };
  }
  const isInOne = hasGuild?.kind === "answered" ? hasGuild.found : (guildCount ?? 0) > 0;
  if (isInOne) {
    const count = guildCount === undefined || guildCount === 0 ? "one or more" : `${guildCount}`;
    return { ...about, status: "pass", why: `the bot is in ${count}` };
  }
  if (hasGuild && hasGuild.kind !== "answered") {
    return { ...about, status: "skipped", why: whyUnknown(hasGuild) };
  }
  return {
    ...about,
    status: "warn",
    why: "the bot is in no guild, so people can only send it DMs",
    fix: `invite it: ${inviteUrl(id)}`,
  };
}

/** Discord counts new sessions; a resumed one costs none. */
const LIMIT = "IDENTIFYs; Discord allows 1,000 in 24 hours";

function budget({ budget: left }: DiscordFacts, now: number): readonly Finding[] {
  if (!left) return [];
  const about = { id: "discord.identifies", what: "New sessions" };
  const { left: count, heldUntil } = left;
  if (heldUntil !== undefined && heldUntil > now) {
    return [{
      ...about,
      status: "fail",
      why: `only ${count} left today (${LIMIT}), so the bot opens none until ${at(heldUntil)}`,
      fix: "find out why it restarts so often; to end the wait, reset the token in the portal",
    }];
  }
  const isLow = count <= LOW;
  return [{
    ...about,
    status: isLow ? "warn" : "pass",
    why: `${count} left today (${LIMIT})`,
    fix: isLow
      ? "find out why the bot restarts so often: see `barnacle status` and its log"
      : undefined,
  }];
}

function at(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
