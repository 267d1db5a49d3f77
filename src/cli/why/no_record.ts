/**
 * Why nothing is on record of a message: each cause there can be, with what speaks for or against
 * it (P1).
 *
 * What was never received cannot be explained. But the id has its time, and the store knows whether
 * Barnacle ran then, what its gateway heard, and which guilds and events it was in for.
 *
 * @module
 */

import { DAY_MS } from "../../core/discord/day.ts";
import type { Finding } from "../../core/finding.ts";
import type { AccountId, GuildId } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { timeText } from "./text.ts";

/** What the store knows of the time and the place. Times are Unix times in milliseconds. */
export interface Evidence {
  /** By the message's id. */
  readonly sentAt: number;
  readonly now: number;
  /** Absent where there is no store, or no run of that time is on record. */
  readonly runs?: {
    readonly wasRunning: boolean;
    readonly before?: { readonly aliveAt: number; readonly ending?: string };
    readonly after?: { readonly startedAt: number };
  };
  readonly accounts: readonly AccountEvidence[];
  /** Of a link: `undefined` for direct messages. */
  readonly place?: { readonly guildId?: GuildId; readonly channelId: string };
  /** Days for which decisions are kept; 0 is for ever. */
  readonly decisionsDays: number;
  readonly dataDir: string;
}

export interface AccountEvidence {
  readonly accountId: AccountId;
  /** Bits of the session, where there is one. */
  readonly intents?: Readonly<Record<"guildMessages" | "directMessages", boolean>>;
  /** Where something may have been missed that was not read yet: since then. */
  readonly gapSince?: number;
  /** When the gateway was heard last by all of its shards. */
  readonly heardAt?: number;
  readonly guilds: readonly KnownGuild[];
}

export interface KnownGuild extends Named<GuildId> {
  readonly channels: ReadonlySet<string>;
}

/** Every cause, in the order in which a person would look into them. */
export function judgeAbsence(evidence: Evidence): readonly Finding[] {
  return [
    time(evidence),
    running(evidence),
    ...evidence.accounts.flatMap((account) => [
      connected(account, evidence),
      ...guild(account, evidence),
      ...intents(account, evidence),
    ]),
    ...access(evidence),
    retention(evidence),
    otherInstance(evidence),
    OTHER_KIND,
  ].filter((one) => one !== undefined);
}

function time({ sentAt, now }: Evidence): Finding | undefined {
  if (sentAt <= now + CLOCK_SLACK_MS) return undefined;
  return {
    id: "why.id",
    what: "The id",
    status: "fail",
    why: `it is of ${timeText(sentAt)}, which is still to come`,
    fix: "copy the message's own id or link: in developer mode, from its menu",
  };
}

/** Discord's clock and ours. */
const CLOCK_SLACK_MS = 60_000;

function running({ runs, sentAt, dataDir }: Evidence): Finding {
  const about = { id: "why.running", what: "Barnacle", where: dataDir };
  if (!runs) {
    return {
      ...about,
      status: "fail",
      why: `nothing was ever stored in ${dataDir}`,
      fix: "name the data of the bot that you mean by --data",
    };
  }
  const { wasRunning, before, after } = runs;
  if (wasRunning) return { ...about, status: "pass", why: `it ran at ${timeText(sentAt)}` };
  if (!before) {
    if (!after) {
      const fix = "name the data of the bot that you mean by --data";
      return { ...about, status: "fail", why: "it never ran with these data", fix };
    }
    return {
      ...about,
      status: "fail",
      why: `its record begins with a start at ${timeText(after.startedAt)}, after the message`,
      fix: "what was said before the first start is not answered: say it again",
    };
  }
  const ending = before.ending === undefined ? "without a word" : `(${before.ending})`;
  const back = after ? `; it started again at ${timeText(after.startedAt)}` : "";
  return {
    ...about,
    status: "fail",
    why: `it did not run then: it had ended at ${timeText(before.aliveAt)} ${ending}${back}`,
    fix: after
      ? "what was said meanwhile is read as far as gateway.catchUp reaches, and never in direct " +
        "channels that it did not know yet; see its log of that start"
      : "start it: `barnacle run`; what was said meanwhile is then read as far as gateway.catchUp " +
        "reaches",
  };
}

function connected(
  { accountId, gapSince, heardAt }: AccountEvidence,
  { sentAt }: Evidence,
): Finding {
  const about = { id: "why.gateway", what: "Gateway", where: accountId };
  if (gapSince !== undefined && sentAt >= gapSince) {
    return {
      ...about,
      status: "warn",
      why: `since ${timeText(gapSince)} something may have been missed, and it is still being read`,
      fix: "wait until it is read (`barnacle status`: gateway:catchUp), then ask again",
    };
  }
  if (heardAt === undefined) {
    return {
      ...about,
      status: "fail",
      why: "this account was never connected",
      fix: "see by `barnacle doctor` what is in the way",
    };
  }
  if (sentAt > heardAt + CLOCK_SLACK_MS) {
    return {
      ...about,
      status: "fail",
      why: `Discord was heard last at ${timeText(heardAt)}, before the message`,
      fix: "see by `barnacle doctor` what is in the way; a message of this minute may still come",
    };
  }
  return { ...about, status: "pass", why: `Discord has been heard since, at ${timeText(heardAt)}` };
}

function guild(
  { accountId, guilds }: AccountEvidence,
  { place }: Evidence,
): readonly Finding[] {
  if (place?.guildId === undefined) return [];
  const about = { id: "why.guild", what: "Place", where: accountId };
  const known = guilds.find(({ id }) => id === place.guildId);
  if (!known) {
    return [{
      ...about,
      status: "fail",
      why: `the bot is not in the guild ${place.guildId}`,
      fix: "invite it by the link of `barnacle invite`",
    }];
  }
  if (known.channels.has(place.channelId)) {
    return [{ ...about, status: "pass", why: `it knows that channel of ${known.name}` }];
  }
  return [{
    ...about,
    status: "warn",
    why: `it is in ${known.name}, and does not know the channel ${place.channelId}`,
    fix:
      "a thread that is archived or private is one that it has not joined: mention it there once",
  }];
}

function intents(
  { accountId, intents: has }: AccountEvidence,
  { place }: Evidence,
): readonly Finding[] {
  if (!has) return [];
  const about = { id: "why.intents", what: "Intents", where: accountId };
  const needed = [
    ...(place && place.guildId === undefined
      ? []
      : [["guild_messages", has.guildMessages]] as const),
    ...(place?.guildId !== undefined ? [] : [["direct_messages", has.directMessages]] as const),
  ];
  const missing = needed.filter(([, isThere]) => !isThere).map(([name]) => name);
  if (missing.length === 0) {
    return [{ ...about, status: "pass", why: "Discord is asked for messages of such places" }];
  }
  return [{
    ...about,
    status: "fail",
    why: `Discord is not asked for ${missing.join(" and ")}`,
    fix: "add it to channels.discord.gateway.intents, or leave that key away",
  }];
}

function access({ place }: Evidence): readonly Finding[] {
  if (place && place.guildId === undefined) return [];
  return [{
    id: "why.permission",
    what: "Permission",
    status: "warn",
    why: "Discord tells nothing of a channel that the bot may not view",
    fix: 'give its role "View Channel" there; for what was said while it was away, "Read Message ' +
      'History" too',
  }];
}

function retention({ decisionsDays, sentAt, now }: Evidence): Finding {
  const about = { id: "why.retention", what: "Kept for" };
  if (decisionsDays === 0) {
    return { ...about, status: "pass", why: "decisions are kept for ever, up to their number" };
  }
  const isOver = now - sentAt > decisionsDays * DAY_MS;
  return {
    ...about,
    status: isOver ? "fail" : "pass",
    why: `decisions are kept for ${decisionsDays} days, and the message is ${
      isOver ? "older" : "younger"
    }`,
    ...(isOver && { fix: "store.retention.decisionsDays keeps them longer, from now on" }),
  };
}

function otherInstance({ dataDir }: Evidence): Finding {
  return {
    id: "why.instance",
    what: "Another bot",
    status: "warn",
    why: `only what is stored in ${dataDir} was looked at`,
    fix: "a Barnacle with other data, or another program with the same token, may have got it: " +
      "see `barnacle doctor --only host`, and name other data by --data",
  };
}

const OTHER_KIND: Finding = {
  id: "why.kind",
  what: "Its kind",
  status: "warn",
  why: "Discord's own announcements (somebody joined, something was pinned) are not messages to it",
};
