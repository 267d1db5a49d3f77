/** Finds the user's channels for those of an example (C4). */

import type { GuildId } from "../../../core/discord/ids.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import { quoted } from "../../../lib/text/quoted.ts";
import { agentsWithoutChannel, channelsOfExample } from "../answers/examples.ts";
import type { ExampleAnswer, ExampleChannel } from "../answers/state.ts";
import type { OfferedChannel, SetupDiscord } from "../ports/discord_port.ts";
import {
  isUsable,
  matched,
  offeredBy,
  plainName,
  tellChannel,
  withHidden,
} from "./offered_channels.ts";
import type { SetupPorts } from "./setup_ports.ts";

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
      ...offered.map((channel) => ({
        value: channel,
        label: `#${channel.name}${isUsable(channel) ? "" : " (a permission is missing)"}`,
        hint: channel.id,
      })),
      { value: none, label: "None: leave it out" },
    ],
  });
  return chosen === none ? undefined : chosen;
}
