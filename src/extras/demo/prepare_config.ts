/**
 * Prepares the config of the demo's bot: the demo's own, or the user's. Ids in the user's config become
 * people and places of the demo.
 *
 * The user's config keeps all rules of one account. The demo uses neither its token nor its port,
 * which a real bot may be using. It uses the model only if the user asks for it. A turn may take a minute
 * if the file does not say how long.
 */

import { readFileSync } from "node:fs";
import type { Env } from "../../lib/env.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { effectiveOf, sectionsOf } from "../../config/schema/accounts.ts";
import { type DemoWorld, demoWorld } from "../../../simulator/actions/demo_world.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { entriesAt, isList, isRecord, readTree, valueAt } from "../../config/text/tree.ts";
import { problemsText, readConfigLeniently } from "../../cli/shared/read_config.ts";
import { isPlaceholder } from "../../config/checks/placeholders.ts";
import { changeChannel } from "../../../simulator/actions/changes.ts";
import type { TextChannel } from "../../../simulator/world/world.ts";
import { DEMO_TURN_SEC, type DemoConfig, demoConfig } from "./simulation/simulation.ts";
import { addBusyRoom, type DemoAgent, ROOM_AGENTS, withBusyRoom } from "./simulation/busy_room.ts";
import type { OfferedModel } from "./models.ts";

export type PreparedConfig =
  | {
    readonly kind: "ready";
    readonly world: DemoWorld;
    /** Content of the bot's config file. */
    readonly config: object;
    /** Variables of the bot's environment, in addition to the simulation's. */
    readonly env: Env;
    /** The agents that may answer; the first one is the default. */
    readonly agents: readonly DemoAgent[];
    /** The config's model, if the user asks for it. */
    readonly model?: OfferedModel;
    /** Whether it is the demo's own config, whose agent gets a sample file. */
    readonly isOwn: boolean;
    /** Notes for the user, one line each. */
    readonly notes: readonly string[];
  }
  /** Invalid; the problems are already printed. */
  | { readonly kind: "refused" };

/** The bot's own server: on a free port, with the dashboard, which the page opens. */
const WITH_DASHBOARD = { port: 0, dashboard: true };

/** Value of `BARNACLE_DEMO_MODEL` for the config's own model. */
export const OWN_MODEL = "config";

/**
 * Reads and prepares the config.
 *
 * @param file Value of `--config`; the demo's own config if absent.
 * @param asksOwnModel Whether the bot uses the config's own model.
 * @param isOpen Whether other machines can reach the page: then the agent runs no commands.
 */
export async function prepareConfig(
  file: string | undefined,
  asksOwnModel: boolean,
  io: Io,
  isOpen = false,
): Promise<PreparedConfig> {
  const world = demoWorld();
  if (file === undefined) {
    addBusyRoom(world, Date.now());
    const own = isOpen ? demoConfig() : withCommands(demoConfig(), world.people.ada.id);
    const config = { ...withBusyRoom(own), http: WITH_DASHBOARD };
    return { kind: "ready", world, config, env: {}, agents: ROOM_AGENTS, isOwn: true, notes: [] };
  }
  // No token is used, so each may be missing, and other users may read the file.
  const loaded = await readConfigLeniently(file, io.env);
  const problems = loaded.problems.filter(({ path }) => !isOfToken(path));
  if (problems.length > 0) io.err(problemsText(problems, io));
  if (loaded.kind === "refused") return { kind: "refused" };

  const { agentList, accounts } = loaded.config;
  const name = agentList[0].models.names?.primary;
  const keepsModel = asksOwnModel && name !== undefined;
  const played = accounts.find(({ enabled }) => enabled) ?? accounts[0];
  if (!played) throw new TypeError("A config has at least one account");
  const mapping = mapToDemo(discordOf(loaded.written, played.accountId), world);
  const text = replaceIds(readFileSync(file, "utf8"), mapping.ids);
  const tree = readTree(text);
  if (tree.kind === "faults") return { kind: "refused" }; // already checked
  const config = rewrite(tree.value, played.accountId, keepsModel);
  return {
    kind: "ready",
    world,
    config,
    env: environment(io.env, keepsModel),
    agents: agentList.map(({ id, name = id }) => ({ id, name })),
    model: keepsModel ? ownModel(name) : undefined,
    isOwn: false,
    notes: [
      `${file}, without its tokens`,
      ...(accounts.length > 1
        ? [
          `with the rules of the account ${played.accountId}, as one bot; without the other accounts`,
        ]
        : []),
      ...mapping.notes,
      ...(name !== undefined && !keepsModel
        ? [`without its model ${name}; use BARNACLE_DEMO_MODEL=${OWN_MODEL} for it`]
        : []),
    ],
  };
}

/** Lets the agent run commands in a sandbox, each after the owner has allowed it. */
function withCommands(config: DemoConfig, owner: string): DemoConfig {
  const execApprovals = { enabled: true, approvers: [owner] };
  return {
    ...config,
    exec: { mode: "ask" },
    channels: { discord: { ...config.channels.discord, execApprovals } },
  };
}

function ownModel(name: string): OfferedModel {
  return {
    id: OWN_MODEL,
    label: name,
    hint: "The model of your config. It may cost money.",
    env: {},
  };
}

/** The keys of an account, with inherited ones; `undefined` if there is no `channels.discord`. */
function discordOf(written: unknown, id: AccountId): object | undefined {
  if (valueAt(written, ["channels", "discord"]) === undefined) return undefined;
  const own = sectionsOf(written).find((section) => section.id === id)?.own;
  return effectiveOf(written, id, own);
}

/** Whether a config path is that of a token, of which a problem does not matter here. */
function isOfToken(path: string): boolean {
  return /^channels\.discord\..*\btoken$/.test(path);
}

/**
 * Removes the keys that the demo must not use; all others stay. The keys of the played account move
 * to `channels.discord`, so that its bot is the demo's one.
 */
function rewrite(
  written: Readonly<Record<string, unknown>>,
  id: AccountId,
  keepsModel: boolean,
): object {
  const section = ["channels", "discord"];
  const discord = discordOf(written, id);
  const { channels } = written;
  const copy: Readonly<Record<string, unknown>> = structuredClone({
    ...written,
    ...(discord && { channels: { ...isRecord(channels) ? channels : {}, discord } }),
  });
  const agents = valueAt(copy, ["agents", "list"]);
  const cleared: readonly (readonly [at: unknown, key: string])[] = [
    [valueAt(copy, section), "token"],
    [valueAt(copy, [...section, "pluralkit"]), "token"],
    ...(keepsModel ? [] : [
      [copy, "models"] as const,
      [valueAt(copy, ["agents", "defaults"]), "model"] as const,
      ...(isList(agents) ? agents : []).map((agent) => [agent, "model"] as const),
    ]),
  ];
  for (const [at, key] of cleared) if (isRecord(at)) Reflect.deleteProperty(at, key);
  const agentsOf = isRecord(copy["agents"]) ? copy["agents"] : {};
  return { ...copy, agents: { turnTimeoutSec: DEMO_TURN_SEC, ...agentsOf }, http: WITH_DASHBOARD };
}

/** Variables that the config may refer to, without those for Discord and the models. */
function environment(env: Env, keepsModel: boolean): Env {
  const ours = keepsModel
    ? /^(?:DISCORD|BARNACLE)_/
    : /^(?:DISCORD|BARNACLE|OPENAI|ANTHROPIC|GEMINI)_/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.test(name)));
}

interface IdMapping {
  /** Ids of the demo, by the id or name in the config. */
  readonly ids: ReadonlyMap<string, string>;
  /** The mapping for people, one line each. */
  readonly notes: readonly string[];
}

const ID = /\d{17,20}/;

/**
 * Maps as many ids as the demo has people and places for.
 *
 * A config names guilds, channels and people by ids that only exist at Discord. So each of them gets
 * a counterpart in the demo, whose id replaces the other in the bot's config. All rules stay the
 * user's own.
 *
 * @param discord The written keys of `channels.discord`, for the played account.
 * @param demo Its channels get the names in the config. The bot must not be connected yet.
 */
export function mapToDemo(discord: unknown, demo: DemoWorld): IdMapping {
  const ids = new Map<string, string>();
  const notes: string[] = [];
  const map = (from: string, id: string, name: string) => {
    ids.set(from, id);
    notes.push(`${from} is ${name} in the demo`);
  };

  const [guild] = entriesAt(discord, ["guilds"]).filter(([key]) => key !== "*");
  if (guild) {
    const [key, settings] = guild;
    map(key, demo.krill.id, `the guild ${demo.krill.name}`);
    mapChannels(settings, demo, map);
  }
  mapPeople(peopleOf(discord, guild?.[1]), demo, map);
  return { ids, notes };
}

/** Replaces whole strings of a config, or ids within strings. */
export function replaceIds(text: string, ids: IdMapping["ids"]): string {
  let result = text;
  for (const [from, id] of ids) {
    result = ID.test(from)
      ? result.replaceAll(from, id)
      : result.replaceAll(JSON.stringify(from), JSON.stringify(id));
  }
  return result;
}

type MapId = (from: string, id: string, name: string) => void;

function mapChannels(guild: unknown, demo: DemoWorld, map: MapId): void {
  const free: TextChannel[] = [demo.channels.general, demo.channels.help, demo.channels.offTopic];
  const keys = entriesAt(guild, ["channels"]).map(([key]) => key).filter((key) => key !== "*");
  for (const key of keys) { // a channel with the same name needs no mapping
    const same = free.findIndex(({ name }) => name === key.replace(/^#/, ""));
    if (same >= 0) free.splice(same, 1);
    else {
      const channel = free.shift();
      if (!channel) return;
      if (ID.test(key) || isPlaceholder(key)) map(key, channel.id, `#${channel.name}`);
      else changeChannel(demo.world, channel, { name: key.replace(/^#/, "") });
    }
  }
}

function mapPeople(entries: readonly string[], demo: DemoWorld, map: MapId): void {
  const { ada, grace, edsger } = demo.people;
  const free = [ada, grace, edsger]; // Mallory stays unknown to the bot
  const known = new Set<string>();
  for (const entry of entries) {
    const id = ID.exec(entry)?.[0] ?? (isPlaceholder(entry) ? entry : undefined);
    if (id === undefined || known.has(id)) continue;
    known.add(id);
    if (entry.startsWith("role:") || entry.startsWith("<@&")) {
      map(id, demo.helpers.id, "the role helpers, which Grace has,");
      continue;
    }
    const person = free.shift();
    if (person) map(id, person.id, person.globalName ?? person.username);
  }
}

/** Entries of all lists, those for direct messages first: these usually include the owner. */
function peopleOf(discord: unknown, guild: unknown): readonly string[] {
  return [
    valueAt(discord, ["dm", "allowFrom"]),
    valueAt(guild, ["users"]),
    ...entriesAt(guild, ["channels"]).map(([, channel]) => valueAt(channel, ["users"])),
  ].flatMap((list) => isList(list) ? list.map(String) : []);
}
