/**
 * Lists possible causes for a message without a record, with evidence for or against each (P1).
 *
 * A message that never arrived has no decision to explain. But its id contains its time. The store
 * knows whether the bot ran then, its last gateway event, its guilds and its intents.
 */

import { DAY_MS } from "../../lib/clock.ts";
import type { Finding } from "../../core/finding.ts";
import type { AccountId, GuildId } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { timeText } from "../../lib/text/units.ts";

/** Facts about the time and the place. Times are Unix times in milliseconds. */
export interface Evidence {
  readonly sentAt: number;
  readonly now: number;
  readonly runs: {
    readonly wasRunning: boolean;
    /** Set if the store has forgotten the runs of then. */
    readonly isForgotten?: boolean;
    readonly before?: { readonly aliveAt: number; readonly ending?: string };
    readonly after?: { readonly startedAt: number };
  };
  readonly accounts: readonly AccountEvidence[];
  /** From a link; `guildId` is absent for direct messages. */
  readonly place?: { readonly guildId?: GuildId; readonly channelId: string };
  /** Days for which decisions are kept; 0 keeps them forever. */
  readonly decisionsDays: number;
  readonly dataDir: string;
}

export interface AccountEvidence {
  readonly accountId: AccountId;
  /** Intents of the last session; absent without one. */
  readonly intents?: Readonly<Record<"guildMessages" | "directMessages", boolean>>;
  /** Start of a gap whose messages are not read yet. */
  readonly gapSince?: number;
  /** When the gateway was last heard. */
  readonly heardAt?: number;
  readonly guilds: readonly (Named<GuildId> & { readonly channels: ReadonlySet<string> })[];
}

/** Judges every cause, in the order in which an operator would check them. */
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
  ].filter((finding) => finding !== undefined);
}

function time({ sentAt, now }: Evidence): Finding | undefined {
  if (sentAt <= now + CLOCK_SLACK_MS) return undefined;
  return {
    id: "why.id",
    what: "The id",
    status: "fail",
    why: `its time is ${timeText(sentAt)}, which is in the future`,
    fix: "copy the message's id or link from its menu, with developer mode on",
  };
}

/** Milliseconds by which Discord's clock and ours may differ. */
const CLOCK_SLACK_MS = 60_000;

function running({ runs, sentAt, dataDir }: Evidence): Finding {
  const about = { id: "why.running", what: "Bot", where: dataDir };
  const { wasRunning, isForgotten, before, after } = runs;
  if (wasRunning) return { ...about, status: "pass", why: `was running at ${timeText(sentAt)}` };
  if (isForgotten) {
    const why = "not known: the store keeps the first start, and the last 50";
    return { ...about, status: "warn", why, fix: "see the log of that day" };
  }
  if (!before) {
    if (!after) {
      const fix = "set --data to the directory of that bot";
      return { ...about, status: "fail", why: "never ran with these data", fix };
    }
    return {
      ...about,
      status: "fail",
      why: `first start at ${timeText(after.startedAt)}, after the message`,
      fix: "the bot does not answer messages from before its first start: send it again",
    };
  }
  const ending = before.ending === undefined ? "unexpectedly" : `(${before.ending})`;
  const back = after ? `, started again at ${timeText(after.startedAt)}` : "";
  return {
    ...about,
    status: "fail",
    why: `was not running: ended at ${timeText(before.aliveAt)} ${ending}${back}`,
    fix: after
      ? "gateway.catchUp limits which missed messages the bot reads; it never reads unknown direct " +
        "channels; see the log of that start"
      : "start it with `barnacle run`; it then reads missed messages within gateway.catchUp",
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
      why: `messages since ${timeText(gapSince)} may be missing; the bot is still reading them`,
      fix: "wait for it (`barnacle status`: gateway:catchUp), then run this again",
    };
  }
  if (heardAt === undefined) {
    return { ...about, status: "fail", why: "never connected", fix: "run `barnacle doctor`" };
  }
  if (sentAt > heardAt + CLOCK_SLACK_MS) {
    return {
      ...about,
      status: "fail",
      why: `last event from Discord at ${timeText(heardAt)}, before the message`,
      fix: "run `barnacle doctor`; a message of this minute may still arrive",
    };
  }
  return {
    ...about,
    status: "pass",
    why: `last event from Discord at ${timeText(heardAt)}, after the message`,
  };
}

function guild({ accountId, guilds }: AccountEvidence, { place }: Evidence): readonly Finding[] {
  if (place?.guildId === undefined) return [];
  const about = { id: "why.guild", what: "Place", where: accountId };
  const known = guilds.find(({ id }) => id === place.guildId);
  if (!known) {
    return [{
      ...about,
      status: "fail",
      why: `the bot is not in guild ${place.guildId}`,
      fix: "add it with the link of `barnacle invite`",
    }];
  }
  if (known.channels.has(place.channelId)) {
    return [{ ...about, status: "pass", why: `the bot sees that channel of ${known.name}` }];
  }
  return [{
    ...about,
    status: "warn",
    why: `the bot is in ${known.name}, but does not see channel ${place.channelId}`,
    fix: "if it is an archived or private thread, mention the bot there once",
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
    return [{ ...about, status: "pass", why: "intents include messages of such places" }];
  }
  return [{
    ...about,
    status: "fail",
    why: `missing: ${missing.join(" and ")}`,
    fix: "add it to channels.discord.gateway.intents, or remove that key",
  }];
}

function access({ place }: Evidence): readonly Finding[] {
  if (place && place.guildId === undefined) return [];
  return [{
    id: "why.permission",
    what: "Permission",
    status: "warn",
    why: "Discord sends no events of channels that the bot may not view",
    fix: 'give its role "View Channel" there; for missed messages also "Read Message History"',
  }];
}

function retention({ decisionsDays, sentAt, now }: Evidence): Finding {
  const about = { id: "why.retention", what: "Retention" };
  if (decisionsDays === 0) {
    return {
      ...about,
      status: "pass",
      why: "decisions are kept forever, up to their maximum number",
    };
  }
  const isOver = now - sentAt > decisionsDays * DAY_MS;
  return {
    ...about,
    status: isOver ? "fail" : "pass",
    why: `decisions are kept for ${decisionsDays} days; the message is ${
      isOver ? "older" : "newer"
    }`,
    fix: isOver ? "raise store.retention.decisionsDays for the future" : undefined,
  };
}

function otherInstance({ dataDir }: Evidence): Finding {
  return {
    id: "why.instance",
    what: "Another bot",
    status: "warn",
    why: `this command reads only ${dataDir}`,
    fix: "another instance or program with the same token may have received it: run " +
      "`barnacle doctor --only host`, or set --data",
  };
}

const OTHER_KIND: Finding = {
  id: "why.kind",
  what: "Kind",
  status: "warn",
  why: "the bot ignores system messages of Discord, such as joins and pins",
};
