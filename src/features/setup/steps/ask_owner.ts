/** The third chapter of a setup: the person who owns the bot. */

import { parseSnowflake } from "../../../core/discord/ids.ts";
import { quoted } from "../../../lib/text/quoted.ts";
import { type SetupPorts, withDiscord } from "./setup_ports.ts";
import type { SetupDiscord } from "../ports/discord_port.ts";
import type { SetupPerson, SetupState } from "../answers/state.ts";

/** Finds out which person the user is: the owner of the application, a member of its team, or another. */
export function askOwner(state: SetupState, ports: SetupPorts): Promise<SetupState> {
  return withDiscord(ports, state, async (discord) => {
    const owner = await askedOwner(state, discord, ports);
    ports.dialogue.ok(
      `@${owner.name} owns the bot, and may write to it directly. Other people get a pairing code.`,
    );
    return { ...state, owner };
  });
}

async function askedOwner(
  state: SetupState,
  discord: SetupDiscord,
  ports: SetupPorts,
): Promise<SetupPerson> {
  const { dialogue, present } = ports;
  const { owners: all = [], team } = state.bot ?? {};
  const named = await Promise.all(present.owners.map((id) => discord.person(id)));
  const known = named.filter((person) => person !== undefined);
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
    const found = await dialogue.during(
      "Asking Discord",
      () => personCalled(typed, state, discord),
    );
    if (typeof found !== "string") return found;
    dialogue.fail(found);
  }
}

/** The person with a name or an id, or why there is none. */
async function personCalled(
  typed: string,
  { places = [] }: SetupState,
  discord: SetupDiscord,
): Promise<SetupPerson | string> {
  const text = typed.trim().replace(/^<@!?(\d+)>$/, "$1").replace(/^@/, "");
  const id = parseSnowflake<"user">(text);
  if (id !== undefined) {
    return await discord.person(id) ?? `Discord has no user with the ID ${text}`;
  }
  if (places.length === 0) {
    return "Without a server, no one can be found by name. Give your user ID: in Discord's " +
      "settings, Advanced, Developer Mode; then right-click your name, Copy User ID";
  }
  const found: SetupPerson[] = [];
  for (const place of places) {
    const members = await discord.search(place.id, text);
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
