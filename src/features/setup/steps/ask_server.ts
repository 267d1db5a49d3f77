/** The second chapter of a setup: the servers that the bot joins. `ask_channels.ts` has its second part. */

import { setTimeout as sleep } from "node:timers/promises";
import type { GuildId } from "../../../core/discord/ids.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import { inviteUrl } from "../../../core/invite.ts";
import { quoted } from "../../../lib/text/quoted.ts";
import { EXIT, StartError } from "../../../cli/shared/exit_code.ts";
import { type SetupPorts, withDiscord } from "./setup_ports.ts";
import type { SetupDiscord } from "../ports/discord_port.ts";
import { keyOf } from "../answers/present.ts";
import type { SetupState } from "../answers/state.ts";

/** Milliseconds between two looks for a server, and until the user is asked again. */
const POLL_MS = 3_000;
const JOIN_MS = 10 * 60_000;

type Servers = readonly Named<GuildId>[];

/** Finds out in which servers the bot may answer, and invites it if it is in none. */
export function askServers(state: SetupState, ports: SetupPorts): Promise<SetupState> {
  return withDiscord(ports, state, async (discord) => {
    const known = await serversOf(discord, ports);
    const chosen = await chosenOf(known, state, discord, ports);
    const otherPlaces = known.filter(({ id }) => !chosen.some((one) => one.id === id));
    if (chosen.length === 0) return { ...withoutServer(state), otherPlaces };
    for (const { name, id } of chosen) ports.dialogue.ok(`On ${quoted(name)} (${id})`);
    return { ...state, places: chosen.map(({ id, name }) => ({ id, name })), otherPlaces };
  });
}

/** @throws {StartError} With an example, whose agents answer in channels of a server. */
function withoutServer(state: SetupState): SetupState {
  const { example } = state;
  if (!example) return { ...state, places: [] };
  throw new StartError(
    `the example ${example.name} has channels of a server; without a server, leave it out`,
    EXIT.usage,
  );
}

async function chosenOf(
  known: Servers,
  state: SetupState,
  discord: SetupDiscord,
  ports: SetupPorts,
): Promise<Servers> {
  const { dialogue, present: { guilds } } = ports;
  if (known.length === 0) return await join(known, state, discord, ports);
  const [first] = known;
  if (first && known.length === 1) return [first];
  const before = known.filter((server) => keyOf(guilds, server) !== undefined);
  const several = "Several of them" as const;
  const another = "Another server, which I invite it to now" as const;
  const none = "None: direct messages only" as const;
  const words = [several, another, none];
  const answer = await dialogue.choose<Named<GuildId> | typeof words[number]>({
    message: "The bot is in several servers. In which one may it answer?",
    initial: before.length > 1 ? several : before[0] ?? (guilds ? none : first),
    options: [
      ...known.map((server) => ({ value: server, label: server.name, hint: server.id })),
      ...words.map((value) => ({ value, label: value })),
    ],
  });
  if (answer === none) return [];
  if (answer === another) return await join(known, state, discord, ports);
  if (answer !== several) return [answer];
  return await dialogue.chooseSome({
    message: "In which servers may it answer? Space selects",
    options: known.map((server) => ({ value: server, label: server.name, hint: server.id })),
    chosen: before,
  });
}

/** Shows the invite link, and waits until the bot is in a server that it was not in before. */
async function join(
  before: Servers,
  { bot, example }: SetupState,
  discord: SetupDiscord,
  ports: SetupPorts,
): Promise<Servers> {
  const { dialogue } = ports;
  if (!bot) return [];
  const url = inviteUrl(bot.applicationId, { voice: example?.name === "voice" });
  const ids = new Set(before.map(({ id }) => id));
  dialogue.tell(`Invite the bot. The link never asks for Administrator:\n${url}`);
  for (;;) {
    const found = await dialogue.during(
      "Waiting for the bot to join a server; Ctrl-C ends the setup",
      async (signal) => {
        const until = performance.now() + JOIN_MS;
        for (;;) {
          const answer = await discord.servers();
          const joined = answer.kind === "answered"
            ? answer.found.filter(({ id }) => !ids.has(id))
            : [];
          if (joined.length > 0 || performance.now() >= until) return joined;
          await sleep(POLL_MS, undefined, { signal });
        }
      },
    );
    if (found.length > 0) return found;
    dialogue.fail("No server has joined the bot within ten minutes");
    const next = await dialogue.choose<"again" | "none" | "stop">({
      message: "You need the permission Manage Server in the server. What now?",
      options: [
        { value: "again", label: "Wait another ten minutes" },
        { value: "none", label: "Go on without a server: direct messages only" },
        { value: "stop", label: "Stop here" },
      ],
    });
    if (next === "none") return [];
    if (next === "stop") throw new StartError("stopped: no server yet", EXIT.tryAgain);
    dialogue.tell(url);
  }
}

async function serversOf(discord: SetupDiscord, { dialogue }: SetupPorts): Promise<Servers> {
  for (;;) {
    const answer = await dialogue.during("Asking Discord", () => discord.servers());
    if (answer.kind === "answered") return answer.found;
    const why = answer.kind === "refused"
      ? "Discord no longer accepts the token"
      : `Discord does not list the bot's servers: ${answer.why}`;
    dialogue.fail(why);
    if (!await dialogue.confirm({ message: "Try again?" })) {
      throw new StartError("stopped: no servers", EXIT.tryAgain);
    }
  }
}
