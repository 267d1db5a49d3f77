/** The second chapter of a setup: the servers that the bot joins. `ask_channels.ts` has its second part. */

import { type Distance, nearestOf } from "../../../config/checks/nearest.ts";
import type { GuildId } from "../../../core/discord/ids.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import { inviteUrl } from "../../../core/invite.ts";
import { quoted } from "../../../lib/text/quoted.ts";
import { EXIT, StartError } from "../../../cli/shared/exit_code.ts";
import { reject, type SetupPorts, withDiscord } from "./setup_ports.ts";
import type { SetupDiscord } from "../ports/discord_port.ts";
import { inviteQr } from "../ports/qr.ts";
import type { SetupState } from "../answers/state.ts";

/** Milliseconds between two looks for a server. */
const POLL_MS = 3_000;

type Servers = readonly Named<GuildId>[];

/** Finds out in which servers the bot may answer, and invites it if it is in none. */
export function askServers(state: SetupState, ports: SetupPorts): Promise<SetupState> {
  return withDiscord(ports, state, async (discord) => {
    const typed = ports.given.take("server");
    const names = typed === undefined ? [] : [typed].flat();
    if (names.length === 1 && names[0] === "none") return withoutServer(state);
    const joined = await serversOf(discord, ports);
    const isToJoin = names.length > 0 && joined.length === 0;
    const known = isToJoin ? await join(joined, state, discord, ports) : joined;
    if (isToJoin && known.length === 0) return withoutServer(state); // the user goes on without
    const { distance } = await import("fastest-levenshtein");
    const before = names.length > 0 ? matched(names, known, "server", distance) : undefined;
    if (before?.problem !== undefined) reject(ports, before.problem, EXIT.usage);
    const chosen = before?.found ?? await chosenOf(known, state, discord, ports);
    if (chosen.length === 0) return withoutServer(state);
    for (const { name, id } of chosen) ports.dialogue.ok(`On ${quoted(name)} (${id})`);
    return { ...state, places: chosen.map(({ id, name }) => ({ id, name })) };
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
  const { dialogue } = ports;
  if (known.length === 0) return await join(known, state, discord, ports);
  const [first] = known;
  if (first && known.length === 1 && dialogue.isInteractive) return [first];
  const several = "Several of them" as const;
  const another = "Another server, which I invite it to now" as const;
  const none = "None: direct messages only" as const;
  const words = [...known.length > 1 ? [several] : [], another, none];
  const answer = await dialogue.choose<Named<GuildId> | typeof words[number]>({
    key: "server",
    message: "The bot is in several servers. In which one may it answer?",
    options: [
      ...known.map((server) => ({ value: server, label: server.name, hint: server.id })),
      ...words.map((value) => ({ value, label: value })),
    ],
  });
  if (answer === none) return [];
  if (answer === another) return await join(known, state, discord, ports);
  if (answer !== several) return [answer];
  return await dialogue.chooseSome({
    key: "server",
    message: "In which servers may it answer? Space selects",
    options: known.map((server) => ({ value: server, label: server.name, hint: server.id })),
  });
}

/** Shows the invite link, and waits until the bot is in a server that it was not in before. */
async function join(
  before: Servers,
  { bot }: SetupState,
  discord: SetupDiscord,
  ports: SetupPorts,
): Promise<Servers> {
  const { dialogue, joinMs, style, showsQr } = ports;
  if (!bot) return [];
  const url = inviteUrl(bot.applicationId);
  const ids = new Set(before.map(({ id }) => id));
  dialogue.tell(
    "Invite the bot. The link asks for eight permissions, and never for Administrator:\n" +
      `${url}${showsQr ? `\n${inviteQr(url, style.isOn)}` : ""}`,
  );
  for (;;) {
    const found = await dialogue.during(
      "Waiting for the bot to join a server; Ctrl-C ends the setup",
      async (signal) => {
        const until = ports.elapsed() + joinMs;
        for (;;) {
          const answer = await discord.servers();
          const joined = answer.kind === "answered"
            ? answer.found.filter(({ id }) => !ids.has(id))
            : [];
          if (joined.length > 0 || ports.elapsed() >= until) return joined;
          await ports.sleep(POLL_MS, signal);
        }
      },
    );
    if (found.length > 0) return found;
    const why = `No server has joined the bot within ${timeText(joinMs)}`;
    reject(
      ports,
      dialogue.isInteractive ? why : `${why}; open ${url}, and run setup again`,
      EXIT.tryAgain,
    );
    const next = await dialogue.choose<"again" | "none" | "stop">({
      key: "server",
      message: "You need the permission Manage Server in the server. What now?",
      options: [
        { value: "again", label: `Wait another ${timeText(joinMs)}` },
        { value: "none", label: "Go on without a server: direct messages only" },
        { value: "stop", label: "Stop here; the next setup goes on with these answers" },
      ],
    });
    if (next === "none") return [];
    if (next === "stop") throw new StartError("stopped: no server yet", EXIT.tryAgain);
    dialogue.tell(url);
  }
}

function timeText(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes === 10) return "ten minutes";
  return minutes >= 1 ? `${Math.round(minutes)} min` : `${Math.round(ms / 1_000)} s`;
}

async function serversOf(discord: SetupDiscord, { dialogue }: SetupPorts): Promise<Servers> {
  for (;;) {
    const answer = await dialogue.during("Asking Discord", () => discord.servers());
    if (answer.kind === "answered") return answer.found;
    const why = answer.kind === "refused"
      ? "Discord no longer accepts the token"
      : `Discord does not list the bot's servers: ${answer.why}`;
    reject({ dialogue }, why, EXIT.tryAgain);
    if (!await dialogue.confirm({ key: "server", message: "Try again?" })) {
      throw new StartError("stopped; the next setup goes on with these answers", EXIT.tryAgain);
    }
  }
}

/** The things with these names or ids, or the first problem. A `#` before a name does not count. */
export function matched<Thing extends Named<string>>(
  typed: readonly string[],
  things: readonly Thing[],
  what: "server" | "channel",
  distance: Distance,
): { readonly found?: readonly Thing[]; readonly problem?: string } {
  const found: Thing[] = [];
  for (const text of typed) {
    const wanted = plainName(text);
    const same = things.filter(({ id, name }) => id === wanted || plainName(name) === wanted);
    const [first] = same;
    if (same.length > 1) {
      const ids = same.map(({ id }) => id).join(", ");
      return {
        problem: `There are ${same.length} ${what}s called ${quoted(text)}; give an id: ${ids}`,
      };
    }
    if (!first) return { problem: unknownName(text, things, what, distance) };
    found.push(first);
  }
  return { found };
}

export function plainName(text: string): string {
  return text.trim().replace(/^<?#/, "").replace(/>$/, "").toLowerCase();
}

function unknownName(
  text: string,
  things: readonly Named<string>[],
  what: string,
  distance: Distance,
): string {
  const names = things.map(({ name }) => name);
  const near = nearestOf(plainName(text), names, distance);
  const some = names.slice(0, 10).map((name) => quoted(name)).join(", ");
  const others = names.length > 10 ? ` and ${names.length - 10} more` : "";
  const head = what === "server"
    ? `The bot is in no server called ${quoted(text)}`
    : `The bot sees no channel called ${quoted(text)}`;
  if (near !== undefined) return `${head}; did you mean ${quoted(near)}?`;
  return some === "" ? head : `${head}; there are ${some}${others}`;
}
