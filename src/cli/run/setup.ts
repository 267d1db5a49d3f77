/** Finds tokens, model and API for the accounts of a config. */

import type { Env } from "../../lib/env.ts";
import type { AccountSetup, ConfigFile, Setup } from "../../bot.ts";
import { type Config, forAccount } from "../../config/config.ts";
import { errorsOf, type LoadedConfig } from "../../config/load.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { Logging } from "../../log.ts";
import { chooseModels, createModelChoices } from "../models/choose_model.ts";
import { apiOf } from "../shared/discord.ts";
import { registerSecrets } from "../../config/secrets.ts";

export type FoundSetup =
  | { readonly kind: "setup"; readonly setup: Setup }
  | { readonly kind: "problems"; readonly problems: readonly Problem[] };

/** Finds the setup, and registers all secrets of the config. */
export async function findSetup(
  loaded: LoadedConfig,
  env: Env,
  logging: Logging,
): Promise<FoundSetup> {
  registerSecrets(loaded, env, logging);
  const { config, text } = loaded;
  const configs = config.accounts.filter(({ enabled }) => enabled)
    .map((account) => forAccount(config, account));
  const accounts = new Map<AccountId, AccountSetup>();
  if (configs.length > 0) {
    const shared = await findShared(configs, loaded, env, logging);
    if ("problems" in shared) return { kind: "problems", problems: shared.problems };
    for (const { discord } of configs) {
      const token = discord.token?.reveal() ?? "";
      accounts.set(discord.accountId, { token, ...shared });
    }
  }
  return { kind: "setup", setup: { config, text, accounts } };
}

/** Finds model and API, which all accounts share. */
async function findShared(
  configs: readonly Config[],
  loaded: LoadedConfig,
  env: Env,
  logging: Logging,
): Promise<Omit<AccountSetup, "token"> | { readonly problems: readonly Problem[] }> {
  const [first] = configs;
  const missing = errorsOf(loaded, env);
  if (!first || missing.length > 0) return { problems: missing };
  const api = apiOf(env);
  if ("problem" in api) return { problems: [problem("", api.problem)] };
  const chosen = await chooseModels(first, env, logging.forPart("main"));
  if (chosen.kind === "problem") return { problems: [chosen.problem] };
  const { file } = first;
  return {
    models: chosen.models,
    choices: createModelChoices(first, env, logging.forPart("main")),
    configFile: file !== undefined ? configFileAt(file, env) : undefined,
    ...await chooseMedia(first, env),
    apiBase: api.base,
  };
}

/** Chooses the models that hear, speak and draw. Their code is loaded only if the config names one. */
async function chooseMedia(
  config: Config,
  env: Env,
): Promise<Pick<AccountSetup, "speech" | "drawing">> {
  const { audio, tools, voice } = config;
  const named = [audio.transcribe, audio.speak, voice?.realtime, tools.draw];
  if (named.every((name) => name === undefined)) return {};
  const { chooseDrawing, chooseSpeech } = await import("../models/choose_media_models.ts");
  return { speech: chooseSpeech(config, env), drawing: chooseDrawing(config, env) };
}

/** The config file for owners in Discord, whose code is loaded with its first use. */
function configFileAt(path: string, env: Env): ConfigFile {
  const load = async () => (await import("./config_file.ts")).createConfigFile(path, env);
  return {
    get: async (...of) => await (await load()).get(...of),
    set: async (...of) => await (await load()).set(...of),
    closesDms: async (...of) => await (await load()).closesDms(...of),
    editList: async (...of) => await (await load()).editList(...of),
  };
}

function problem(path: string, message: string): Problem {
  return { severity: "error", path, message };
}
