/**
 * Finds the price of a model: the config's, else that of a dated list of hosted models in dollars,
 * because vendors have no API for prices (L5).
 */

import type { Price } from "../core/spending/usage.ts";
import type { Env } from "../lib/env.ts";
import { isPrivateHost } from "../lib/network/addresses.ts";
import { choiceOf, type ModelChoice, resolveModels, VENDORS } from "./models.ts";
import list from "./prices.json" with { type: "json" };
import type { Settings } from "./schema/root.ts";

/** Currencies of the list: Barnacle converts nothing. */
const DOLLARS = ["", "$", "US$", "USD"];
const FREE: Price = { input: 0, output: 0, audioMinute: 0, image: 0 };

const LISTED = new Map<string, Price>(
  Object.values(list.makers).flatMap(({ hosts, prices }) =>
    Object.entries<string>(hosts).flatMap(([host, before]) =>
      Object.entries<Price>(prices).map(([name, price]) => [keyOf(host, before + name), price])
    )
  ),
);

/** Anthropic writes versions with a dash, and OpenRouter with a point. */
function keyOf(host: string, name: string): string {
  return `${host}/${name.replaceAll(".", "-")}`;
}

/** The price of a model; `undefined` if it is unknown. A server on a private network is free. */
export function priceOf(
  { provider: { baseUrl, prices = {} }, model }: ModelChoice,
  currency: string | undefined,
): Price | undefined {
  const host = URL.parse(baseUrl)?.hostname ?? "";
  const written = Object.hasOwn(prices, model) ? prices[model] : undefined;
  if (isPrivateHost(host)) return { ...FREE, ...written };
  if (written || !DOLLARS.includes(currency ?? "")) return written;
  const withoutDate = model.replace(/-\d{4}-?\d\d-?\d\d$/, "");
  return LISTED.get(keyOf(host, model)) ?? LISTED.get(keyOf(host, withoutDate));
}

/** Those of the named models whose price is unknown; without a named one, that of the environment. */
export function unpricedModels(
  { agents, audio, models }: Settings,
  named: readonly string[],
  env: Env,
): readonly string[] {
  const config = { ...models, namesPath: "" };
  const found = agents.defaults.model ? undefined : resolveModels(config, env);
  const chosen = found?.kind === "chosen" ? found.choices : [];
  const ids = [...chosen.map(({ provider: { id }, model }) => `${id}/${model}`), ...named];
  const keys = VENDORS.map(({ keyVariable }) => [keyVariable, "?"]); // the bot's environment has them
  return [...new Set(ids)].filter((id) => {
    const choice = choiceOf(id, config, { ...Object.fromEntries(keys), ...env });
    const price = "kind" in choice ? FREE : priceOf(choice, models.currency);
    return (id === audio?.transcribe || id === audio?.speak ? price?.audioMinute : price) ===
      undefined;
  });
}
