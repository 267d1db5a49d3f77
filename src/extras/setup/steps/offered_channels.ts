/** Reads the channels that a setup offers, finds some by name, and says what the bot lacks in them. */

import { type Distance, nearestOf } from "../../../config/checks/nearest.ts";
import { type GuildId, parseSnowflake } from "../../../core/discord/ids.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import { quoted } from "../../../lib/text/quoted.ts";
import type { OfferedChannel, SetupDiscord } from "../ports/discord_port.ts";
import type { SetupPorts } from "./setup_ports.ts";

/** The channels of a server; `undefined` if Discord does not tell them. */
export async function offeredBy(
  { id, name }: Named<GuildId>,
  discord: SetupDiscord,
  { dialogue }: SetupPorts,
): Promise<readonly OfferedChannel[] | undefined> {
  const answer = await dialogue.during("Asking Discord", () => discord.channels(id));
  if (answer.kind === "answered") return answer.found;
  const why = answer.kind === "refused" ? "the token is no longer valid" : answer.why;
  dialogue.warn(
    `The channels of ${quoted(name)} are unknown (${why}); the config's stay, else all`,
  );
  return undefined;
}

/** Adds those channels that the user names by id, and that the bot may not see. */
export async function withHidden(
  typed: readonly string[],
  offered: readonly OfferedChannel[],
  discord: SetupDiscord,
): Promise<readonly OfferedChannel[]> {
  const ids = typed.flatMap((text) => parseSnowflake<"channel">(plainName(text)) ?? [])
    .filter((id) => !offered.some((channel) => channel.id === id));
  const hidden = await Promise.all(ids.map((id) => discord.hidden(id)));
  return [...offered, ...hidden.filter((channel) => channel !== undefined)];
}

/** Without these the bot answers nowhere; the others cost comfort only. */
const NEEDED: ReadonlySet<string> = new Set([
  "View Channel",
  "Send Messages",
  "Send Messages in Threads",
  "Read Message History",
]);

export function isUsable({ missing }: OfferedChannel): boolean {
  return missing.every(({ permission }) => !NEEDED.has(permission));
}

/** The permissions that the bot lacks in a channel, with the rules that deny them. */
export function lackOf({ missing }: OfferedChannel): string {
  if (missing.length === 0) return "";
  return `lacks ${
    missing.map(({ permission, deniedBy }) => `${permission} (${deniedBy})`).join(", ")
  }`;
}

/** Says what the bot can do in a chosen channel. */
export function tellChannel(channel: OfferedChannel, { dialogue }: SetupPorts): void {
  const name = `#${channel.name}${channel.isPrivate ? " (private)" : ""}`;
  if (channel.missing.length === 0) {
    return dialogue.ok(`${name}: can read, answer, attach and react`);
  }
  dialogue.warn(
    `${name}: the bot ${lackOf(channel)}. Grant it in the channel's settings, under Permissions`,
  );
}

/** The channels with these names or ids, or the first problem. A `#` before a name does not count. */
export function matched<Channel extends Named<string>>(
  typed: readonly string[],
  channels: readonly Channel[],
  distance: Distance,
): { readonly found?: readonly Channel[]; readonly problem?: string } {
  const found: Channel[] = [];
  for (const text of typed) {
    const wanted = plainName(text);
    const same = channels.filter(({ id, name }) => id === wanted || plainName(name) === wanted);
    const [first] = same;
    if (same.length > 1) {
      const ids = same.map(({ id }) => id).join(", ");
      return {
        problem: `There are ${same.length} channels called ${quoted(text)}; give an id: ${ids}`,
      };
    }
    if (!first) return { problem: unknownName(text, channels, distance) };
    found.push(first);
  }
  return { found };
}

export function plainName(text: string): string {
  return text.trim().replace(/^<?#/, "").replace(/>$/, "").toLowerCase();
}

function unknownName(
  text: string,
  channels: readonly Named<string>[],
  distance: Distance,
): string {
  const names = channels.map(({ name }) => name);
  const near = nearestOf(plainName(text), names, distance);
  const some = names.slice(0, 10).map((name) => quoted(name)).join(", ");
  const others = names.length > 10 ? ` and ${names.length - 10} more` : "";
  const head = `The bot sees no channel called ${quoted(text)}`;
  if (near !== undefined) return `${head}; did you mean ${quoted(near)}?`;
  return some === "" ? head : `${head}; there are ${some}${others}`;
}
