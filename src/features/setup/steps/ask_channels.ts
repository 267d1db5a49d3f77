/** The channels of the second chapter of a setup: where the bot answers. */

import { type Distance, nearestOf } from "../../../config/checks/issues.ts";
import { type ChannelId, type GuildId, parseSnowflake } from "../../../core/discord/ids.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import { quoted } from "../../../lib/text/quoted.ts";
import { agentsWithoutChannel, channelsOfExample } from "../answers/examples.ts";
import { keyOf, listedIn } from "../answers/present.ts";
import type { ExampleAnswer, ExampleChannel, PlaceAnswer, SetupState } from "../answers/state.ts";
import type { OfferedChannel, SetupDiscord } from "../ports/discord_port.ts";
import { type SetupPorts, withDiscord } from "./setup_ports.ts";

/** The channels of a server; `undefined` if Discord does not tell them. */
async function offeredBy(
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
async function withHidden(
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

function isUsable({ missing }: OfferedChannel): boolean {
  return missing.every(({ permission }) => !NEEDED.has(permission));
}

const labelOf = (channel: OfferedChannel) =>
  `#${channel.name}${isUsable(channel) ? "" : " (a permission is missing)"}`;

/** The permissions that the bot lacks in a channel, with the rules that deny them. */
function lackOf({ missing }: OfferedChannel): string {
  if (missing.length === 0) return "";
  return `lacks ${
    missing.map(({ permission, deniedBy }) => `${permission} (${deniedBy})`).join(", ")
  }`;
}

/** Says what the bot can do in a chosen channel. */
function tellChannel(channel: OfferedChannel, { dialogue }: SetupPorts): void {
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

function plainName(text: string): string {
  return text.trim().replace(/^<?#/, "").replace(/>$/, "").toLowerCase();
}

function unknownName(text: string, channels: readonly Named<string>[], distance: Distance): string {
  const names = channels.map(({ name }) => name);
  const near = nearestOf(plainName(text), names, distance);
  const some = names.slice(0, 10).map((name) => quoted(name)).join(", ");
  const others = names.length > 10 ? ` and ${names.length - 10} more` : "";
  const head = `The bot sees no channel called ${quoted(text)}`;
  if (near !== undefined) return `${head}; did you mean ${quoted(near)}?`;
  return some === "" ? head : `${head}; there are ${some}${others}`;
}

/**
 * Finds a channel of the server for each one of the example: the given one, the one of the same name, or
 * the one that the user chooses.
 *
 * @param words Names of the user's channels, in the order of the example's.
 */
export async function exampleChannels(
  { name }: ExampleAnswer,
  server: Named<GuildId>,
  words: readonly string[],
  discord: SetupDiscord,
  ports: SetupPorts,
): Promise<readonly ExampleChannel[]> {
  const { dialogue } = ports;
  const wanted = channelsOfExample(name);
  const offered = await withHidden(words, await offeredBy(server, discord, ports) ?? [], discord);
  const given = await givenChannels(name, wanted, words, offered, ports);
  const found: ExampleChannel[] = [];
  for (const [index, of] of wanted.entries()) {
    const channel = given[index] ?? await channelFor(of, server, offered, ports);
    if (channel === undefined) {
      dialogue.warn(`No channel for #${of} of the example: left out`);
      continue;
    }
    tellChannel(channel, ports);
    found.push({ of, id: channel.id, name: channel.name });
  }
  for (const agent of agentsWithoutChannel(name, found)) {
    dialogue.warn(`The agent ${agent} has no channel; \`router.assignments\` gives it one`);
  }
  return found;
}

/** The channels that the command line names. */
async function givenChannels(
  example: string,
  wanted: readonly string[],
  words: readonly string[],
  offered: readonly OfferedChannel[],
  ports: SetupPorts,
): Promise<readonly OfferedChannel[]> {
  if (words.length === 0) return [];
  const isAll = words.length === 1 && words[0]?.toLowerCase() === "all";
  if (isAll || words.length !== wanted.length) {
    const count = wanted.length === 1 ? "one channel" : `${wanted.length} channels`;
    ports.dialogue.fail(
      `channels: the example ${example} has ${count} (${wanted.join(", ")}); ` +
        "name one of yours for each, in this order",
    );
    return [];
  }
  const { distance } = await import("fastest-levenshtein");
  const { found, problem = "" } = matched(words, offered, distance);
  if (!found) ports.dialogue.fail(problem);
  return found ?? [];
}

/** The channel of the same name, or the user's choice; `undefined`: none. */
async function channelFor(
  of: string,
  server: Named<GuildId>,
  offered: readonly OfferedChannel[],
  { dialogue }: SetupPorts,
): Promise<OfferedChannel | undefined> {
  const [same, another] = offered.filter((one) => plainName(one.name) === of);
  if (same && !another) return same;
  if (offered.length === 0) return undefined;
  const none = "none" as const;
  const chosen = await dialogue.choose<OfferedChannel | typeof none>({
    message: same
      ? `Several channels of ${quoted(server.name)} are called #${of}. Which one do you mean?`
      : `The example answers in #${of}, which ${quoted(server.name)} lacks. Which channel instead?`,
    initial: same ?? none,
    options: [
      ...offered.map((channel) => ({ value: channel, label: labelOf(channel), hint: channel.id })),
      { value: none, label: "None: leave it out" },
    ],
  });
  return chosen === none ? undefined : chosen;
}

export function askChannels(state: SetupState, ports: SetupPorts): Promise<SetupState> {
  return withDiscord(ports, state, async (discord) => {
    const typed = ports.channels;
    const places: PlaceAnswer[] = [];
    let { example } = state;
    for (const [index, place] of (state.places ?? []).entries()) {
      const words = typed === undefined ? [] : wordsFor(place, typed);
      if (place.channels !== undefined) places.push(place);
      else if (example && index === 0) {
        const channels = await exampleChannels(example, place, words, discord, ports);
        example = { ...example, channels };
        places.push({ ...place, channels: channels.length > 0 ? eachOnce(channels) : "all" });
      } else places.push(await withChannels(place, words, discord, ports));
    }
    return { ...state, places, example };
  });
}

/** The names that are about a server: those without a server's name, and those with its own. */
export function wordsFor({ id, name }: Named<string>, typed: readonly string[]): readonly string[] {
  return typed.flatMap((text) => {
    const [, server, channel] = /^(.+)\/([^/]+)$/.exec(text.trim()) ?? [];
    if (server === undefined || channel === undefined) return [text];
    return server === id || plainName(server) === plainName(name) ? [channel] : [];
  });
}

function eachOnce(channels: readonly ExampleChannel[]): readonly Named<ChannelId>[] {
  return [...new Map(channels.map(({ id, name }) => [id, { id, name }])).values()];
}

async function withChannels(
  place: PlaceAnswer,
  words: readonly string[],
  discord: SetupDiscord,
  ports: SetupPorts,
): Promise<PlaceAnswer> {
  const { dialogue } = ports;
  const { name } = place;
  const listed = await offeredBy(place, discord, ports);
  if (!listed) return { ...place, channels: listedIn(ports.present.guilds, place) ? [] : "all" };
  const offered = await withHidden(words, listed, discord);
  const usable = offered.filter(isUsable);
  const chosen = await chosenChannels(place, offered, words, ports);
  if (chosen === "all") {
    const rest = usable.length < offered.length
      ? `; the others lack a permission, see \`barnacle doctor\``
      : "";
    dialogue.ok(
      `Everywhere on ${quoted(name)}: it can answer in ${usable.length} of ` +
        `${offered.length} channels${rest}`,
    );
    return { ...place, channels: "all" };
  }
  for (const channel of chosen) tellChannel(channel, ports);
  const named = (all: readonly OfferedChannel[]) => all.map(({ id, name }) => ({ id, name }));
  return {
    ...place,
    channels: named(chosen),
    others: named(offered.filter((channel) => !chosen.includes(channel))),
  };
}

async function chosenChannels(
  server: Named<GuildId>,
  offered: readonly OfferedChannel[],
  words: readonly string[],
  ports: SetupPorts,
): Promise<"all" | readonly OfferedChannel[]> {
  const { dialogue } = ports;
  if (words.length === 1 && words[0]?.toLowerCase() === "all") return "all";
  if (words.length > 0) {
    const { distance } = await import("fastest-levenshtein");
    const { found, problem = "" } = matched(words, offered, distance);
    if (found) return found;
    dialogue.fail(problem);
  }
  if (offered.length === 0) return "all";
  const usable = offered.filter(isUsable).length;
  const before = listedIn(ports.present.guilds, server);
  const isAll = await dialogue.choose({
    message: `Where on ${quoted(server.name)} may it answer? It answers when it is mentioned.`,
    initial: before === undefined,
    options: [
      { value: true, label: `In every channel that it can see (${usable} of ${offered.length})` },
      { value: false, label: "Only in some channels" },
    ],
  });
  if (isAll) return "all";
  return await dialogue.chooseSome({
    message: "Which ones? Space selects",
    options: offered.map((channel) => ({
      value: channel,
      label: labelOf(channel),
      hint: [...channel.isPrivate ? ["private"] : [], lackOf(channel)].filter(Boolean).join("; "),
    })),
    chosen: offered.filter((channel) => keyOf(before, channel) !== undefined),
  });
}
