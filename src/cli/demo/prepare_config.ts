/**
 * The config that the demo's bot plays with: the demo's own, or the visitor's.
 *
 * Of the visitor's, all rules hold, and three things do not: its token, which
 * must not reach a toy; its port, which its bot may be using; and its model, as
 * long as nobody has asked for it.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { accountDefaults, type Settings } from "../../config/schema/root.ts";
import { type DemoWorld, demoWorld } from "../../../simulator/acts/demo_world.ts";
import type { Env, Io } from "../terminal/io.ts";
import { isList, isRecord, readTree, valueAt } from "../../config/text/tree.ts";
import { readConfig, shown } from "../shared/read_config.ts";
import { mapToDemo, replaceIds } from "./id_mapping.ts";
import { demoConfig } from "./stage/config.ts";
import type { OfferedModel } from "./models.ts";

export type PreparedConfig =
  | {
    readonly kind: "ready";
    readonly world: DemoWorld;
    /** What stands in the bot's config file. */
    readonly config: object;
    /** Of the bot's environment, beside the stage's. */
    readonly env: Env;
    readonly agentId: string;
    /** The model that the config names, where it is asked for. */
    readonly model?: OfferedModel;
    /** What a visitor should know of it, line by line. */
    readonly notes: readonly string[];
  }
  /** The reasons have been told. */
  | { readonly kind: "refused" };

/** What `BARNACLE_DEMO_MODEL` says to have the config's own model asked. */
export const OWN_MODEL = "config";

/**
 * @param file `--config`; the demo's own config where it is absent.
 * @param asksOwnModel Whether the config's own model is to be asked.
 */
export async function prepareConfig(
  file: string | undefined,
  asksOwnModel: boolean,
  io: Io,
): Promise<PreparedConfig> {
  const world = demoWorld();
  if (file === undefined) {
    return { kind: "ready", world, config: demoConfig(), env: {}, agentId: "main", notes: [] };
  }
  // Its token is not used, so it need not be there; nor does it matter who can read the file.
  const loaded = await readConfig(file, { DISCORD_BOT_TOKEN: "not-used", ...io.env }, true);
  if (loaded.problems.length > 0) io.err(shown(loaded.problems, io));
  if (loaded.kind === "refused") return { kind: "refused" };

  const { settings, config: { agent } } = loaded;
  const name = modelOf(settings);
  const keepsModel = asksOwnModel && name !== undefined;
  const cast = mapToDemo(settings.channels.discord ?? accountDefaults(), world);
  const text = replaceIds(readFileSync(file, "utf8"), cast.ids);
  const tree = readTree(text);
  if (tree.kind === "faults") return { kind: "refused" }; // it was checked
  const config = rewrite(tree.value, keepsModel);
  return {
    kind: "ready",
    world,
    config,
    env: environment(io.env, keepsModel),
    agentId: agent.id,
    ...(keepsModel && { model: ownModel(name) }),
    notes: [
      `${file}; its token is not used`,
      ...cast.notes,
      ...(name !== undefined && !keepsModel
        ? [`${name} is not asked; BARNACLE_DEMO_MODEL=${OWN_MODEL} asks it`]
        : []),
    ],
  };
}

function ownModel(name: string): OfferedModel {
  return {
    id: OWN_MODEL,
    label: name,
    hint: "As your config names it. It may cost money.",
    env: {},
  };
}

/** @returns The model that the first agent is asked with; `undefined` where none is named. */
function modelOf({ agents }: Settings): string | undefined {
  const model = agents.list?.[0]?.model ?? agents.defaults.model;
  return typeof model === "string" ? model : model?.primary;
}

/** Takes out what must not hold here; the rest stays as it is written. */
function rewrite(written: Readonly<Record<string, unknown>>, keepsModel: boolean): object {
  const copy = structuredClone(written);
  const agents = valueAt(copy, ["agents", "list"]);
  const cleared: readonly (readonly [at: unknown, key: string])[] = [
    [valueAt(copy, ["channels", "discord"]), "token"],
    ...(keepsModel ? [] : [
      [copy, "models"] as const,
      [valueAt(copy, ["agents", "defaults"]), "model"] as const,
      ...(isList(agents) ? agents : []).map((agent) => [agent, "model"] as const),
    ]),
  ];
  for (const [at, key] of cleared) if (isRecord(at)) Reflect.deleteProperty(at, key);
  return { ...copy, http: { port: 0 } };
}

/** What the config may refer to; whatever says where Discord and the models are is the stage's. */
function environment(env: Env, keepsModel: boolean): Env {
  const ours = keepsModel
    ? /^(?:DISCORD|BARNACLE)_/
    : /^(?:DISCORD|BARNACLE|OPENAI|ANTHROPIC|GEMINI)_/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.test(name)));
}
