/**
 * Proposes values that the config or the store knows: accounts, agents, keys, channels, people.
 *
 * It only reads: it takes no lock and asks no bot, so it may be some records behind. A config or a
 * store that cannot be read gives no values.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { sectionsOf } from "../../config/schema/accounts.ts";
import { entriesAt, isList, readTree, valueAt } from "../../config/text/tree.ts";
import { BACKUPS_NAME, DATABASE_NAME } from "../../host/files/data_dir.ts";
import { isCurrent } from "../../store/database/database.ts";
import { openStoreReader } from "../../store/store.ts";
import type { Store } from "../../store/store.ts";
import { ENDINGS } from "../backup/exports.ts";
import { knownChannels } from "../../cli/verdict/known_channels.ts";
import { knownPeople } from "../../cli/verdict/known_people.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { useData } from "../../cli/shared/find_data.ts";
import { findConfig, readConfigText } from "../../cli/shared/read_config.ts";
import { handleOf, namedSessions, titleOf } from "../sessions/exports.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { keysFrom, valuesOfKey } from "./config_values.ts";
import type { Proposal, WantedValue } from "./propose.ts";

export type OfStore = (store: Store) => Promise<readonly Proposal[]>;

/** A source of values: the shell's files, the config, the store; or only the person knows it. */
export type ValueSource =
  | "files"
  | "backups"
  | "free"
  | { readonly config: (written: unknown, wanted: WantedValue) => readonly Proposal[] }
  | { readonly store: OfStore };

const LOG_PARTS = ["gateway", "turns", "delivery", "inbox", "main", "preflight", "store", "tools"];

/** The source of each value, by the name of the option or argument in the help. */
export const VALUES: Readonly<Record<string, ValueSource>> = {
  account: { config: accountsIn },
  address: "free",
  amount: "free",
  agent: { config: agentsIn },
  "backup file": "backups",
  channel: {
    store: async (store) => [
      { value: "dm", about: "a direct message" },
      { value: "group", about: "a group of direct messages" },
      ...(await channelsIn(store)).map(({ name, guild }) => ({ value: `#${name}`, about: guild })),
    ],
  },
  code: { store: pairingCodes },
  feed: {
    config: (written) => entriesAt(written, ["feeds"]).map(([value]) => ({ value })),
  },
  file: "files",
  id: { store: questionIds },
  key: { config: (written, { typed }) => keysFrom(typed, written) },
  input: "free",
  "link or id": "free",
  message: "free",
  minutes: "free",
  model: "free",
  name: "free",
  number: "free",
  part: { config: () => LOG_PARTS.map((value) => ({ value })) },
  path: "files",
  place: "files",
  port: "free",
  role: "free",
  seconds: "free",
  server: {
    config: (written) => entriesAt(written, ["mcp", "servers"]).map(([value]) => ({ value })),
  },
  session: {
    store: async (store) =>
      (await namedSessions(store)).map((one) => ({ value: handleOf(one), about: titleOf(one) })),
  },
  target: {
    store: async (store) =>
      (await channelsIn(store)).map(({ id, name, guild }) => ({
        value: `channel:${id}`,
        about: `#${name} in ${guild}`,
      })),
  },
  text: "free",
  time: "free",
  user: { store: peopleIn },
  value: { config: (_, { before: [key = ""] }) => valuesOfKey(key) },
  version: "free",
};

/**
 * Proposes the values that begin with the typed text.
 *
 * @param flags The options of the command line that name config and data.
 */
export async function valuesFor(
  wanted: WantedValue,
  flags: Pick<CommonFlags, "config" | "data">,
  io: Io,
  find: typeof useData = useData,
): Promise<readonly Proposal[] | "files"> {
  const source = Object.hasOwn(VALUES, wanted.name) ? VALUES[wanted.name] : undefined;
  if (source === undefined || source === "free") return [];
  if (source === "files") return "files";
  if (source === "backups") return await backupFiles(wanted, flags, io, find);
  const all = "config" in source
    ? source.config(writtenConfig(await configOf(wanted, flags, io, find), io), wanted)
    : await fromStore(source.store, flags, io);
  return all.filter(({ value }) => value.startsWith(wanted.typed))
    .map((one) => ({ ...one, value: wanted.head + one.value }));
}

/** The values if those of the machine come too late: a file may be typed without them. */
export function lateValuesFor({ name }: WantedValue): readonly Proposal[] | "files" {
  const source = Object.hasOwn(VALUES, name) ? VALUES[name] : undefined;
  return source === "files" || source === "backups" ? "files" : [];
}

/** Backups of the typed folder and of the data directory; the shell's files if there are none. */
async function backupFiles(
  { typed, head }: WantedValue,
  { data }: Pick<CommonFlags, "data">,
  io: Io,
  find: typeof useData,
): Promise<readonly Proposal[] | "files"> {
  const folder = typed.slice(0, typed.lastIndexOf("/") + 1);
  // Beside several bots, the command line does not say whose backups are meant.
  const place = await find(data, io).catch(() => undefined);
  const kept = place && join(place.dataDir, BACKUPS_NAME);
  const all = [
    ...backupsIn(folder || ".").map((name) => `${folder}${name}`),
    ...(kept === undefined ? [] : backupsIn(kept).map((name) => join(kept, name))),
  ].filter((value) => value.startsWith(typed));
  return all.length === 0 ? "files" : [...new Set(all)].map((value) => ({ value: head + value }));
}

/** Names of the backups in a folder, the newest first, as their names have their times. */
function backupsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => Object.values(ENDINGS).some((ending) => name.endsWith(ending)))
      .sort().reverse();
  } catch {
    return []; // no such folder, or no right to read it
  }
}

async function fromStore(
  read: OfStore,
  { data }: Pick<CommonFlags, "data">,
  io: Io,
): Promise<readonly Proposal[]> {
  const { dataDir, state } = await useData(data, io);
  const path = join(dataDir, DATABASE_NAME);
  if (state !== "store" || !isCurrent(path)) return [];
  const store = openStoreReader(path, { elapsed: () => performance.now() });
  try {
    return await read(store);
  } finally {
    store.close();
  }
}

/** The config of the command: those that edit a file take the one at hand, others the service's. */
async function configOf(
  { name }: WantedValue,
  { config, data }: Pick<CommonFlags, "config" | "data">,
  io: Io,
  find: typeof useData,
): Promise<string | undefined> {
  if (config !== undefined || name === "key" || name === "value") return config;
  return (await find(data, io).catch(() => undefined))?.config;
}

/** The values of the config file; none without a file. */
function writtenConfig(flag: string | undefined, { env }: Pick<Io, "env">): unknown {
  const found = findConfig(flag, env);
  if (!("file" in found)) return {};
  const tree = readTree(readConfigText(found.file));
  return tree.kind === "tree" ? tree.value : tree.rest?.value ?? {};
}

function accountsIn(written: unknown): readonly Proposal[] {
  const named = sectionsOf(written).map(({ id }) => String(id));
  return [...new Set(["default", ...named])].map((value) => ({ value }));
}

function agentsIn(written: unknown): readonly Proposal[] {
  const list = valueAt(written, ["agents", "list"]);
  const ids = (isList(list) ? list : []).map((agent) => valueAt(agent, ["id"]));
  const named = ids.filter((id) => typeof id === "string");
  return (named.length > 0 ? named : ["main"]).map((value) => ({ value }));
}

async function channelsIn(store: Store) {
  return await knownChannels(store, await store.gateway.accountIds());
}

async function pairingCodes({ gateway, pairing }: Store): Promise<readonly Proposal[]> {
  const all: Proposal[] = [];
  for (const accountId of await gateway.accountIds()) {
    for (const { code, username } of await pairing.requests(accountId, Date.now())) {
      all.push({ value: code, about: username });
    }
  }
  return all;
}

async function questionIds({ questions }: Store): Promise<readonly Proposal[]> {
  return (await questions.open(Date.now())).map(({ code, question: { text } }) => ({
    value: code,
    about: text,
  }));
}

async function peopleIn(store: Store): Promise<readonly Proposal[]> {
  const people = await knownPeople(store, await store.gateway.accountIds());
  return Array.from(people, ([value, about]) => ({ value, about }));
}
