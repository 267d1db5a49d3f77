/**
 * Reads of the store of a partition that another process has (O16): their names, and their results as
 * text.
 */

import type { Store } from "../../core/store/store.ts";

/**
 * The reads: those that `joinStores()` makes of a partition, and those of rows that each partition has,
 * for a process without one.
 */
const READS = [
  "gateway.accountIds",
  "gateway.loadAccount",
  "gateway.identifyBudget",
  "gateway.runs",
  "gateway.runsAround",
  "gateway.isOtherPeer",
  "gateway.guildsOf",
  "received.newestVerdicts",
  "received.verdictsAfter",
  "received.messageRecordOf",
  "received.recentTurns",
  "received.askersNames",
  "received.directChannels",
  "received.recentTalk",
  "turns.stepsOf",
  "turns.entriesOf",
  "sessions.list",
  "sessions.page",
  "sessions.newestOf",
  "sessions.checkpointsOf",
  "sessions.foldedOf",
  "outbox.loadInvalidRequests",
  "outbox.open",
  "outbox.sendResultsOf",
  "outbox.parked",
  "questions.open",
  "schedules.list",
  "schedules.find",
  "schedules.runsOf",
  "actions.runsOf",
  "actions.useOf",
  "sources.trace",
  "pairing.requests",
  "pairing.paired",
  "pairing.isPaired",
  "pairing.namesOf",
  "settings.alerts",
  "settings.backups",
  "settings.known",
  "settings.pauseOf",
  "settings.settingOf",
  "usage.spentBy",
  "usage.sum",
  "usage.sumBy",
  "notes.all",
  "notes.by",
  "notes.find",
  "notes.countEmbedded",
  "hooks.find",
  "feeds.list",
  "upkeep.extent",
] as const satisfies readonly ReadName[];

type ReadName = {
  [Name in keyof Store]: `${Name}.${Extract<keyof Store[Name], string>}`;
}[keyof Store];

/** Reads by its name; the arguments are JSON. */
export type ReadPart = (name: string, args: readonly unknown[]) => Promise<string>;

/**
 * Carries out a read of another process.
 *
 * @throws {Error} If there is no such read: that process is of another version.
 */
export async function readPart(
  store: Store,
  name: string,
  args: readonly unknown[],
): Promise<string> {
  const found = READS.find((one) => one === name);
  if (!found) throw new Error(`The processes of this bot are of different versions (${name})`);
  const [namespace = "", method = ""] = found.split(".");
  const given = args.map((value) => value ?? undefined); // JSON has no `undefined`
  const part: Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>> = {
    ...Reflect.get(store, namespace),
  };
  return resultText(await part[method]?.(...given));
}

/** The key of an object that stands for a map, or for an object with this key: people choose keys, too. */
const KIND = "$kind";

interface Packed {
  readonly [KIND]: "map" | "object";
  readonly entries: readonly (readonly [string, unknown])[];
}

/** Writes a result, in which objects may be maps. */
export function resultText(result: unknown): string {
  return JSON.stringify({ result }, (_, value: unknown) => {
    if (value instanceof Map) return { [KIND]: "map", entries: [...value] };
    const isAmbiguous = typeof value === "object" && value !== null && Object.hasOwn(value, KIND);
    return isAmbiguous ? { [KIND]: "object", entries: Object.entries(value) } : value;
  });
}

/** Reads the text of {@link resultText}. */
export function resultOf(text: string): unknown {
  const { result } = JSON.parse(text, (_, value: unknown) => {
    const isPacked = typeof value === "object" && value !== null && Object.hasOwn(value, KIND);
    if (!isPacked) return value;
    const { [KIND]: kind, entries } = value as Packed; // as written above
    return kind === "map" ? new Map(entries) : Object.fromEntries(entries);
  }) as { readonly result?: unknown };
  return result;
}

/**
 * The store of a partition that another process has.
 *
 * @param base All methods that are no such reads.
 */
export function elsewherePart(base: Store, read: ReadPart): Store {
  const store: Record<string, object> = { ...base };
  for (const name of READS) {
    const [namespace = "", method = ""] = name.split(".");
    store[namespace] = {
      ...store[namespace],
      [method]: async (...args: readonly unknown[]) => resultOf(await read(name, args)),
    };
  }
  return store as unknown as Store; // the same methods as those of `base`
}
