/** The channels of the second chapter of a setup: where the bot answers. */

import type { ChannelId, GuildId } from "../../../core/discord/ids.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import { quoted } from "../../../lib/text/quoted.ts";
import { keyOf, listedIn } from "../answers/present.ts";
import type { ExampleChannel, PlaceAnswer, SetupState } from "../answers/state.ts";
import type { OfferedChannel, SetupDiscord } from "../ports/discord_port.ts";
import { exampleChannels } from "./ask_example.ts";
import {
  isUsable,
  lackOf,
  matched,
  offeredBy,
  plainName,
  tellChannel,
  withHidden,
} from "./offered_channels.ts";
import { type SetupPorts, withDiscord } from "./setup_ports.ts";

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
      } else places.push({ ...place, ...await channelsOf(place, words, discord, ports) });
    }
    return { ...state, places, example };
  });
}

/** The names that are about a server: those without a server's name, and those with its own. */
export function wordsFor(
  { id, name }: Named<string>,
  typed: readonly string[],
): readonly string[] {
  return typed.flatMap((text) => {
    const [, server, channel] = /^(.+)\/([^/]+)$/.exec(text.trim()) ?? [];
    if (server === undefined || channel === undefined) return [text];
    return server === id || plainName(server) === plainName(name) ? [channel] : [];
  });
}

function eachOnce(channels: readonly ExampleChannel[]): readonly Named<ChannelId>[] {
  return [...new Map(channels.map(({ id, name }) => [id, { id, name }])).values()];
}

async function channelsOf(
  { id, name }: PlaceAnswer,
  words: readonly string[],
  discord: SetupDiscord,
  ports: SetupPorts,
): Promise<Pick<PlaceAnswer, "channels" | "others">> {
  const { dialogue } = ports;
  const listed = await offeredBy({ id, name }, discord, ports);
  if (!listed) return { channels: listedIn(ports.present.guilds, { id, name }) ? [] : "all" };
  const offered = await withHidden(words, listed, discord);
  const usable = offered.filter(isUsable);
  const chosen = await chosenChannels({ id, name }, offered, words, ports);
  if (chosen === "all") {
    const rest = usable.length < offered.length
      ? `; the others lack a permission, see \`barnacle doctor\``
      : "";
    dialogue.ok(
      `Everywhere on ${quoted(name)}: it can answer in ${usable.length} of ` +
        `${offered.length} channels${rest}`,
    );
    return { channels: "all" };
  }
  for (const channel of chosen) tellChannel(channel, ports);
  const named = (all: readonly OfferedChannel[]) => all.map(({ id, name }) => ({ id, name }));
  return {
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
      label: `#${channel.name}${isUsable(channel) ? "" : " (a permission is missing)"}`,
      hint: [...channel.isPrivate ? ["private"] : [], lackOf(channel)].filter(Boolean).join("; "),
    })),
    chosen: offered.filter((channel) => keyOf(before, channel) !== undefined),
  });
}
