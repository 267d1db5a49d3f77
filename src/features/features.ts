/** The list of all features. A new feature is its folder and a line here. */

import type { Transactions } from "../store/database/commits.ts";
import type { TaskTitle } from "../cli/help/overview.ts";
import type { CliCommands, Feature } from "./feature.ts";
import { alerts } from "./alerts/feature.ts";
import { backup } from "./backup/feature.ts";
import { catchup } from "./catchup/command.ts";
import { dashboard } from "./dashboard/feature.ts";
import { diagnose } from "./diagnose/feature.ts";
import { exec } from "./exec/feature.ts";
import { forget } from "./forget/feature.ts";
import { hooks } from "./hooks/feature.ts";
import { mcp } from "./mcp/feature.ts";
import { notes } from "./notes/feature.ts";
import { schedules } from "./schedules/feature.ts";
import { setup } from "./setup/feature.ts";
import { signins } from "./signins/feature.ts";
import { voice } from "./voice/feature.ts";
import { why } from "./why/feature.ts";

/** A feature of the command line alone. */
const commands = (
  task: TaskTitle,
  load: () => Promise<NonNullable<CliCommands[TaskTitle]>>,
): Feature => ({ cli: async () => ({ [task]: await load() }) });

const ALL = [
  commands("Control access", () => import("./access/commands.ts")),
  commands("Look after the agent", () => import("./agent/commands.ts")),
  alerts,
  backup,
  { commands: [catchup] },
  commands("Configure", () => import("./config/commands.ts")),
  dashboard,
  commands("Send messages", () => import("./delivery/commands.ts")),
  commands("Start", () => import("./demo/commands.ts")),
  diagnose,
  exec,
  forget,
  hooks,
  mcp,
  commands("Diagnose", () => import("./model/commands.ts")),
  notes,
  commands("Configure", () => import("./openclaw/commands.ts")),
  schedules,
  commands("Start", () => import("./service/commands.ts")),
  commands("Conversations", () => import("./sessions/commands.ts")),
  setup,
  signins,
  commands("Look after the agent", () => import("./skill_tools/commands.ts")),
  commands("About", () => import("./upgrade/commands.ts")),
  voice,
  why,
] as const;

export const FEATURES: readonly Feature[] = ALL;

/** What the features declare under a name, of all of them together. */
export type Declared<Part extends keyof Feature> = UnionToIntersection<
  (typeof ALL)[number] extends infer One ? One extends { readonly [P in Part]: infer Of } ? Of
    : never
    : never
>;
export type UnionToIntersection<Union> =
  (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void ? All
    : never;

const declared = <Part extends "config" | "store">(part: Part): Declared<Part> =>
  Object.assign({}, ...ALL.map((one: Feature) => one[part]));

/** Their keys at the top of the config. */
export const FEATURE_KEYS: Declared<"config"> = declared("config");

type Stores = Declared<"store">;

/** Creates their namespaces of the store. */
export function createFeatureStores(
  transactions: Transactions,
): { readonly [Name in keyof Stores]: ReturnType<Stores[Name]> } {
  const creates = Object.entries<(transactions: Transactions) => object>(declared("store"));
  return Object.assign({}, ...creates.map(([name, create]) => ({ [name]: create(transactions) })));
}
