/** The list of all features. A new feature is its folder and a line here. */

import type { Transactions } from "../store/database/commits.ts";
import type { Feature } from "./feature.ts";
import { access } from "./access/feature.ts";
import { agent } from "./agent/feature.ts";
import { alerts } from "./alerts/feature.ts";
import { backup } from "./backup/feature.ts";
import { catchup } from "./catchup/feature.ts";
import { config } from "./config/feature.ts";
import { dashboard } from "./dashboard/feature.ts";
import { delivery } from "./delivery/feature.ts";
import { demo } from "./demo/feature.ts";
import { diagnose } from "./diagnose/feature.ts";
import { exec } from "./exec/feature.ts";
import { forget } from "./forget/feature.ts";
import { hooks } from "./hooks/feature.ts";
import { mcp } from "./mcp/feature.ts";
import { model } from "./model/feature.ts";
import { notes } from "./notes/feature.ts";
import { openclaw } from "./openclaw/feature.ts";
import { schedules } from "./schedules/feature.ts";
import { service } from "./service/feature.ts";
import { sessions } from "./sessions/feature.ts";
import { setup } from "./setup/feature.ts";
import { signins } from "./signins/feature.ts";
import { skillTools } from "./skill_tools/feature.ts";
import { upgrade } from "./upgrade/feature.ts";
import { voice } from "./voice/feature.ts";
import { why } from "./why/feature.ts";

const ALL = [
  access,
  agent,
  alerts,
  backup,
  catchup,
  config,
  dashboard,
  delivery,
  demo,
  diagnose,
  exec,
  forget,
  hooks,
  mcp,
  model,
  notes,
  openclaw,
  schedules,
  service,
  sessions,
  setup,
  signins,
  skillTools,
  upgrade,
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
