/**
 * What the account of a config needs to connect: its token, a model, an API.
 *
 * @module
 */

import type { Account } from "../bot.ts";
import type { Config } from "../config/config.ts";
import { missingModel, missingToken } from "../config/load.ts";
import type { Problem } from "../config/problem.ts";
import type { Env } from "../config/secrets.ts";
import { tokenProblem } from "../discord/rest/client.ts";
import type { Logging } from "../log.ts";
import { chooseModel } from "./choose_model.ts";
import { apiOf } from "./discord.ts";

export type FoundAccount =
  | { readonly kind: "account"; readonly account: Account }
  /** Nothing is to connect (C7). */
  | { readonly kind: "disabled" }
  | { readonly kind: "problem"; readonly problem: Problem };

/** Finds all of it; from now on no line of the log holds a secret of it. */
export async function findAccount(
  config: Config,
  env: Env,
  logging: Logging,
): Promise<FoundAccount> {
  if (!config.discord.enabled) return { kind: "disabled" };
  const missing = missingToken(config) ?? missingModel(config, env);
  if (missing) return { kind: "problem", problem: missing };

  const token = config.discord.token?.reveal() ?? "";
  logging.addSecret(token);
  const wrong = tokenProblem(token);
  if (wrong !== undefined) return problem("channels.discord.token", wrong);

  const api = apiOf(env);
  if ("problem" in api) return problem("", api.problem);

  const chosen = await chooseModel(config, env, logging.forPart("main"));
  if (chosen.kind === "problem") return chosen;
  for (const secret of chosen.secrets) logging.addSecret(secret);
  return { kind: "account", account: { token, model: chosen.model, apiBase: api.base } };
}

function problem(path: string, message: string): FoundAccount {
  return { kind: "problem", problem: { severity: "error", path, message } };
}
