/**
 * Begins a new config with one of `examples/` (C4). The example's agents, router, channels and comments
 * stay. People, server, channels and model become those of the answers.
 */

import {
  type Edited,
  entriesAt,
  isList,
  readTree,
  replaceWithComment,
  type Segment,
  setAt,
  unsetAt,
  valueAt,
} from "../../../config/text/edit.ts";
import type { ChannelId } from "../../../core/discord/ids.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import type {
  ExampleAnswer,
  ExampleChannel,
  ExampleName,
  PlaceAnswer,
  SetupPerson,
} from "./state.ts";
import { EXAMPLES } from "./texts.js";

const DISCORD = ["channels", "discord"] as const;
const ASSIGNMENTS = ["router", "assignments"] as const;

const PROVIDERS = ["models", "providers"] as const;

/** The server of the examples' model, which the user chooses. */
const MODEL_SERVER = "ollama";

/** Tells the reader of the example to do a part of the setup's work. */
const BY_HAND = "// Put your own ids in";

/** Any channel, in the router's assignments. */
const ANY = "*";

export function channelsOfExample(name: ExampleName): readonly string[] {
  const tree = treeOf(EXAMPLES[name]);
  return namesAt(tree, [...DISCORD, "guilds", guildOf(tree), "channels"]);
}

/**
 * Makes the first text of a config.
 *
 * @param place The server that takes the place of the example's.
 */
export function exampleText(
  { name, channels = [] }: ExampleAnswer,
  place: PlaceAnswer,
  owner: SetupPerson,
): Edited {
  const text = EXAMPLES[name].split("\n").filter((line) => !line.startsWith(BY_HAND)).join("\n");
  const tree = treeOf(text);
  const guild = [...DISCORD, "guilds", guildOf(tree)];
  const listed = namesAt(tree, [...guild, "channels"]);
  const mine = new Map(channels.map(({ of, ...channel }) => [of, channel]));
  const person = [...DISCORD, "dm", "allowFrom", 0];
  const hasOtherModels = namesAt(tree, PROVIDERS).some((name) => name !== MODEL_SERVER);
  return inOrder(text, [
    // Others get a pairing code, as without an example.
    (text) => unsetAt(text, [...DISCORD, "dm", "policy"]),
    (text) => replaceWithComment(text, person, { value: owner.id }, `@${owner.name}`),
    (text) => unsetAt(text, hasOtherModels ? [...PROVIDERS, MODEL_SERVER] : ["models"]),
    (text) => unsetAt(text, ["agents", "defaults", "model"]),
    ...listed.map((one) => (text: string) => channelEntry(text, [...guild, "channels"], one, mine)),
    ...namesAt(tree, ASSIGNMENTS).map((agent) => (text: string) =>
      assignment(text, [...ASSIGNMENTS, agent], mine)
    ),
    (text) => channels.length > 0 ? edited(text) : unsetAt(text, [...guild, "channels"]),
    (text) => replaceWithComment(text, guild, { key: place.id }, place.name),
  ]);
}

/** Agents of an example that lose all their channels without these. */
export function agentsWithoutChannel(
  name: ExampleName,
  channels: readonly ExampleChannel[],
): readonly string[] {
  const tree = treeOf(EXAMPLES[name]);
  const known = new Set([ANY, ...channels.map(({ of }) => of)]);
  return namesAt(tree, ASSIGNMENTS).filter((agent) =>
    !assignedTo(tree, agent).some((one) => known.has(one))
  );
}

/** Names the user's channel in place of the example's, or takes the entry out. */
function channelEntry(
  text: string,
  list: readonly Segment[],
  name: string,
  mine: ReadonlyMap<string, Named<ChannelId>>,
): Edited {
  const path = [...list, name];
  const channel = mine.get(name);
  const isNamed = channel && valueAt(treeOf(text), [...list, channel.id]) !== undefined;
  if (!channel || isNamed) return unsetAt(text, path);
  return replaceWithComment(text, path, { key: channel.id }, `#${channel.name}`);
}

/** Assigns the user's channels to an agent; without any of them, nothing is assigned to it. */
function assignment(
  text: string,
  path: readonly Segment[],
  mine: ReadonlyMap<string, Named<ChannelId>>,
): Edited {
  const before = valueAt(treeOf(text), [...path, "channels"]);
  const ids = (isList(before) ? before : []).flatMap((one) =>
    one === ANY ? [ANY] : mine.get(String(one))?.id ?? []
  );
  if (ids.length === 0) return unsetAt(text, path);
  return setAt(text, [...path, "channels"], [...new Set(ids)]);
}

function assignedTo(tree: unknown, agent: string): readonly string[] {
  const channels = valueAt(tree, [...ASSIGNMENTS, agent, "channels"]);
  return isList(channels) ? channels.map(String) : [];
}

/** The example's only server. */
function guildOf(tree: unknown): string {
  return namesAt(tree, [...DISCORD, "guilds"])[0] ?? "";
}

function namesAt(tree: unknown, path: readonly Segment[]): readonly string[] {
  return entriesAt(tree, path).map(([name]) => name);
}

function treeOf(text: string): unknown {
  const tree = readTree(text);
  return tree.kind === "tree" ? tree.value : undefined;
}

function edited(text: string): Edited {
  return { kind: "edited", text };
}

function inOrder(text: string, steps: readonly ((text: string) => Edited)[]): Edited {
  return steps.reduce<Edited>(
    (before, step) => before.kind === "refused" ? before : step(before.text),
    edited(text),
  );
}
