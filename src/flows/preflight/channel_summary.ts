/**
 * Summarises the bot's permissions in the open channels of a guild that the config does not list
 * (O3).
 *
 * @module
 */

import type { ChannelId } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import type { Named } from "../../core/inbound/inbound.ts";

/** A permission that the bot lacks in a place. */
export interface MissingPermission {
  /** Its name in Discord's settings: `"Send Messages"`. */
  readonly permission: string;
  /** The rule that denies it: `"the role Krill"`, `"no role grants it"`. */
  readonly deniedBy: string;
}

/** A channel of a guild. */
export interface SeenChannel extends Named<ChannelId> {
  /** Empty if the bot has all permissions that it uses there. */
  readonly missing: readonly MissingPermission[];
}

/** Check and title of each row about permissions. */
export const ABOUT = { id: "discord.permissions", what: "Permissions" } as const;

/** The fix for permissions that a channel denies. */
export const GRANT_IN_CHANNEL =
  "grant it to the bot's role in the channel's settings, under Permissions";

const HIDDEN = "View Channel";

/** Without these, the bot does not answer in a channel. The others cost only comfort. */
export const REQUIRED: ReadonlySet<string> = new Set([
  HIDDEN,
  "Send Messages",
  "Send Messages in Threads",
  "Read Message History",
]);

/** Names of channels for each reason, and reasons in a row; the row counts the others. */
const SHOWN = 5;

/** A lack as text: `"Send Messages (the role Krill)"`. */
export function lackText({ permission, deniedBy }: MissingPermission): string {
  return `${permission} (${deniedBy})`;
}

/**
 * Makes one row for all channels: in how many the bot can answer, and the reasons for the others.
 *
 * A hidden channel alone is no problem, because most servers have channels for moderators.
 *
 * @returns Empty without channels.
 */
export function summarise(guildName: string, channels: readonly SeenChannel[]): readonly Finding[] {
  if (channels.length === 0) return [];
  const all = channels.flatMap(({ missing }) => missing);
  const isUsable = ({ missing }: SeenChannel) =>
    missing.every(({ permission }) => !REQUIRED.has(permission));
  const usable = channels.filter(isUsable).length;
  const status = usable === 0
    ? "fail"
    : all.every(({ permission }) => permission === HIDDEN)
    ? "pass"
    : "warn";
  const reasons = [
    ...reasonsIn(channels.filter((channel) => !isUsable(channel)), "not in"),
    ...reasonsIn(channels.filter(isUsable), "in"),
  ];
  const more = reasons.length > SHOWN ? [`and ${reasons.length - SHOWN} more reasons`] : [];
  return [{
    ...ABOUT,
    status,
    why: [
      `can post in ${usable} of ${channels.length} channels of ${guildName}`,
      ...reasons.slice(0, SHOWN),
      ...more,
    ].join("; "),
    fix: status !== "pass" ? fixFor(all) : undefined,
  }];
}

/** `"not in #a, #b: Send Messages missing (the role Krill)"` for each reason. */
function reasonsIn(channels: readonly SeenChannel[], word: "in" | "not in"): readonly string[] {
  const groups = new Map<string, string[]>();
  for (const { name, missing } of channels) {
    if (missing.length === 0) continue;
    const why = missing.map(({ permission, deniedBy }) => `${permission} missing (${deniedBy})`)
      .join(", ");
    groups.set(why, [...groups.get(why) ?? [], `#${name}`]);
  }
  return [...groups].map(([why, names]) => {
    const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
    return `${word} ${names.slice(0, SHOWN).join(", ")}${more}: ${why}`;
  });
}

function fixFor(missing: readonly MissingPermission[]): string {
  return missing.some(({ deniedBy }) => deniedBy === "no role grants it")
    ? "invite the bot again with the link of `barnacle invite`, or grant it to the bot's role"
    : `${GRANT_IN_CHANNEL}, or deny the channel in the config`;
}
