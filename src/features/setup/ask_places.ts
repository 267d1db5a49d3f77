/** The second and the third chapter of a setup: the servers and channels of the bot, and its owner. */

import { setTimeout as sleep } from "node:timers/promises";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { type GuildId, parseSnowflake } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { inviteUrl } from "../../core/invite.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { lacksRequired, lackText } from "../../flows/preflight/permissions.ts";
import { quoted } from "../../lib/text/quoted.ts";
import {
  keyOf,
  listedIn,
  type PlaceAnswer,
  type SetupContext,
  type SetupPerson,
  type SetupState,
} from "./answers.ts";
import {
  askDiscord,
  channelsOf,
  membersCalled,
  type OfferedChannel,
  personOf,
  serversOf,
} from "./discord.ts";

/** Milliseconds between two looks for a server, and until the user is asked again. */
const POLL_MS = 3_000;
const JOIN_MS = 10 * 60_000;

type Servers = readonly Named<GuildId>[];

/** Finds out in which servers the bot may answer, and invites it if it is in none. */
export async function askServers(state: SetupState, setup: SetupContext): Promise<SetupState> {
  const known = await knownServers(state, setup);
  const chosen = await chosenOf(known, state, setup);
  const otherPlaces = known.filter(({ id }) => !chosen.some((one) => one.id === id));
  for (const { name, id } of chosen) setup.dialogue.ok(`On ${quoted(name)} (${id})`);
  return { ...state, places: chosen.map(({ id, name }) => ({ id, name })), otherPlaces };
}

async function chosenOf(known: Servers, state: SetupState, setup: SetupContext): Promise<Servers> {
  const { dialogue, present: { guilds } } = setup;
  const [first] = known;
  if (!first) return await join(known, state, setup);
  if (known.length === 1) return [first];
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
  if (answer === another) return await join(known, state, setup);
  if (answer !== several) return [answer];
  return await dialogue.chooseSome({
    message: "In which servers may it answer? Space selects",
    options: known.map((server) => ({ value: server, label: server.name, hint: server.id })),
    chosen: before,
  });
}

/** Shows the invite link, and waits until the bot is in a server that it was not in before. */
async function join(before: Servers, state: SetupState, setup: SetupContext): Promise<Servers> {
  const { dialogue } = setup;
  if (!state.bot) return [];
  const url = inviteUrl(state.bot.applicationId);
  const ids = new Set(before.map(({ id }) => id));
  dialogue.tell(`Invite the bot. The link never asks for Administrator:\n${url}`);
  for (;;) {
    const found = await askDiscord(
      setup,
      state,
      async (api, signal) => {
        const until = performance.now() + JOIN_MS;
        for (;;) {
          const answer = await serversOf(api);
          const joined = answer.kind === "answered"
            ? answer.found.filter(({ id }) => !ids.has(id))
            : [];
          if (joined.length > 0 || performance.now() >= until) return joined;
          await sleep(POLL_MS, undefined, { signal });
        }
      },
      "Waiting for the bot to join a server; Ctrl-C ends the setup",
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

async function knownServers(state: SetupState, setup: SetupContext): Promise<Servers> {
  for (;;) {
    const answer = await askDiscord(setup, state, serversOf);
    if (answer.kind === "answered") return answer.found;
    const why = answer.kind === "refused"
      ? "Discord no longer accepts the token"
      : `Discord does not list the bot's servers: ${answer.why}`;
    setup.dialogue.fail(why);
    if (!await setup.dialogue.confirm({ message: "Try again?" })) {
      throw new StartError("stopped: no servers", EXIT.tryAgain);
    }
  }
}

const isUsable = ({ missing }: OfferedChannel): boolean => !lacksRequired(missing);

/** The permissions that the bot lacks in a channel, with the rules that deny them. */
const lackOf = ({ missing }: OfferedChannel): string =>
  missing.length === 0 ? "" : `lacks ${missing.map(lackText).join(", ")}`;

/** Finds out in which channels of each server the bot may answer. */
export async function askChannels(state: SetupState, setup: SetupContext): Promise<SetupState> {
  const places: PlaceAnswer[] = [];
  for (const place of state.places ?? []) places.push(await withChannels(place, state, setup));
  return { ...state, places };
}

async function withChannels(
  place: PlaceAnswer,
  state: SetupState,
  setup: SetupContext,
): Promise<PlaceAnswer> {
  const { dialogue, present: { guilds } } = setup;
  const { id, name } = place;
  const answer = await askDiscord(setup, state, (api) => channelsOf(api, id));
  if (answer.kind !== "answered") {
    const why = answer.kind === "refused" ? "the token is no longer valid" : answer.why;
    dialogue.warn(
      `The channels of ${quoted(name)} are unknown (${why}); the config's stay, else all`,
    );
    return { ...place, channels: listedIn(guilds, place) ? [] : "all" };
  }
  const offered = answer.found;
  const chosen = await chosenChannels(place, offered, setup);
  if (chosen === "all") {
    const usable = offered.filter(isUsable).length;
    const rest = usable < offered.length
      ? `; the others lack a permission, see \`barnacle doctor\``
      : "";
    dialogue.ok(
      `Everywhere on ${quoted(name)}: it can answer in ${usable} of ` +
        `${offered.length} channels${rest}`,
    );
    return { ...place, channels: "all" };
  }
  for (const channel of chosen) {
    const named = `#${channel.name}${channel.isPrivate ? " (private)" : ""}`;
    if (channel.missing.length === 0) {
      dialogue.ok(`${named}: can read, answer, attach and react`);
    } else {
      dialogue.warn(
        `${named}: the bot ${lackOf(channel)}. ` +
          "Grant it in the channel's settings, under Permissions",
      );
    }
  }
  const named = (all: readonly OfferedChannel[]) => all.map(({ id, name }) => ({ id, name }));
  return {
    ...place,
    channels: named(chosen),
    others: named(offered.filter((channel) => !chosen.includes(channel))),
  };
}

async function chosenChannels(
  server: PlaceAnswer,
  offered: readonly OfferedChannel[],
  { dialogue, present: { guilds } }: SetupContext,
): Promise<"all" | readonly OfferedChannel[]> {
  if (offered.length === 0) return "all";
  const usable = offered.filter(isUsable).length;
  const before = listedIn(guilds, server);
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

/** Finds out which person the user is: the owner of the application, a member of its team, or another. */
export async function askOwner(state: SetupState, setup: SetupContext): Promise<SetupState> {
  const owner = await askedOwner(state, setup);
  setup.dialogue.ok(
    `@${owner.name} owns the bot, and may write to it directly. Other people get a pairing code.`,
  );
  return { ...state, owner };
}

async function askedOwner(state: SetupState, setup: SetupContext): Promise<SetupPerson> {
  const { dialogue, present } = setup;
  const { owners: all = [], team } = state.bot ?? {};
  const known = present.owners.length === 0 ? [] : await askDiscord(setup, state, async (api) => {
    const people = await Promise.all(present.owners.map((id) => personOf(api, id)));
    return people.filter((person) => person !== undefined);
  });
  const owners = [...known, ...all.filter(({ id }) => !present.owners.includes(id))];
  const [first] = owners;
  if (first && owners.length === 1) {
    const message = `Are you @${first.name}, the owner of the ${
      known.length > 0 ? "bot" : "application"
    }?`;
    if (await dialogue.confirm({ message })) return first;
  } else if (first) {
    const found = await dialogue.choose<SetupPerson | "another">({
      message: known.length > 0
        ? "Who are you?"
        : `The application belongs to the team ${team ?? ""}. Who are you?`,
      options: [
        ...owners.map((person) => ({ value: person, label: `@${person.name}`, hint: person.id })),
        { value: "another", label: "Another person" },
      ],
    });
    if (found !== "another") return found;
  }
  for (;;) {
    const typed = await dialogue.text({
      message: "Your Discord username, or your user ID",
      placeholder: "ana",
      check: (text) => text.trim() === "" ? "Type your username, such as ana" : undefined,
    });
    const found = await askDiscord(setup, state, (api) => personCalled(typed, state, api));
    if (typeof found !== "string") return found;
    dialogue.fail(found);
  }
}

/** The person with a name or an id, or why there is none. */
async function personCalled(
  typed: string,
  { places = [] }: SetupState,
  api: RestApi,
): Promise<SetupPerson | string> {
  const text = typed.trim().replace(/^<@!?(\d+)>$/, "$1").replace(/^@/, "");
  const id = parseSnowflake<"user">(text);
  if (id !== undefined) {
    return await personOf(api, id) ?? `Discord has no user with the ID ${text}`;
  }
  if (places.length === 0) {
    return "Without a server, no one can be found by name. Give your user ID: in Discord's " +
      "settings, Advanced, Developer Mode; then right-click your name, Copy User ID";
  }
  const found: SetupPerson[] = [];
  for (const place of places) {
    const members = await membersCalled(api, place.id, text);
    if (!members) {
      return "Discord does not let the bot search members, because Server Members is off. Give your user ID";
    }
    found.push(...members.filter((one) => !found.some(({ id }) => id === one.id)));
  }
  const same = found.filter(({ name }) => name.toLowerCase() === text.toLowerCase());
  const [first] = same;
  if (first) return first;
  if (found.length === 0) {
    return `No member is called ${
      quoted(text)
    }. A username has no spaces: open your profile to see it`;
  }
  return `No member has the username ${quoted(text)}; there are ` +
    found.slice(0, 5).map(({ name }) => `@${name}`).join(", ");
}
