/**
 * Checks the models of the config against its providers and the environment: names of unknown
 * providers (L1), and keys that would cross a network unencrypted.
 *
 * The environment cannot add a provider of another name, so an unknown name is an error wherever
 * the config is checked.
 *
 * The price of a model is the config's, else that of a dated list of hosted models in dollars,
 * because vendors have no API for prices (L5).
 */

import list from "./prices.json" with { type: "json" };
import type { Budgets, Price } from "../core/spending/budget.ts";
import type { Env } from "../lib/env.ts";
import { isPrivateHost } from "../lib/network/addresses.ts";
import { isRecord, pathText, quoted } from "../lib/text/quoted.ts";
import { openHost, UNENCRYPTED_HINT } from "./audit/audit.ts";
import { isSecretPlaceholder, nearestOf } from "./checks/issues.ts";
import {
  choiceOf,
  type ModelChoice,
  namedModels,
  providerNames,
  resolveModels,
  VENDORS,
} from "./models.ts";
import type { ProblemAt } from "./parse.ts";
import { baseAddress, completeAddress } from "./schema/parts/key.ts";
import { envText, fromEnv, Secret } from "./schema/parts/secrets.ts";
import type { Settings } from "./schema/root.ts";
import type { Problem } from "./text/problem.ts";
import { type Segment, valueAt } from "./text/edit.ts";

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
function unpricedModels(
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

/**
 * Checks the models of all agents, and their fallbacks; and those of audio and images.
 */
export async function unknownProviders(
  settings: Settings,
  problemAt: ProblemAt,
): Promise<readonly Problem[]> {
  const known = [...new Set(providerNames(settings.models.providers))];
  const wrong = modelsIn(settings).filter(({ provider }) => !known.includes(provider));
  if (wrong.length === 0) return [];
  const { distance } = await import("fastest-levenshtein"); // only faulty configs need it
  return wrong.map(({ provider, name, path }) => {
    const nearest = nearestOf(provider, known, distance);
    return problemAt(
      "error",
      path,
      `The model ${quoted(name)} names an unknown provider: ${quoted(provider)}`,
      nearest === undefined
        ? `add models.providers.${provider}, or use one of ${known.join(", ")}`
        : `did you mean ${quoted(`${nearest}${name.slice(provider.length)}`)}? If not, add ` +
          `models.providers.${provider}`,
    );
  });
}

function modelsIn(settings: Settings) {
  const { agents } = settings;
  return [
    ...namesIn(agents.defaults.model, ["agents", "defaults", "model"]),
    ...agents.list.flatMap(({ model }, at) => namesIn(model, ["agents", "list", at, "model"])),
    ...mediaModelsIn(settings),
  ];
}

function mediaModelsIn({ audio, tools, voice }: Settings) {
  return [
    ...namesIn(audio?.transcribe, ["audio", "transcribe"]),
    ...namesIn(audio?.speak, ["audio", "speak"]),
    ...namesIn(tools?.draw, ["tools", "draw"]),
    ...namesIn(voice?.realtime, ["voice", "realtime"]),
  ];
}

/** Checks the models that hear, speak and draw: only OpenAI's API has these. */
export function mediaProblems(
  settings: Settings,
  env: Env,
  problemAt: ProblemAt,
): readonly Problem[] {
  return mediaModelsIn(settings).flatMap(({ name, path, provider }) => {
    if (!providerNames(settings.models.providers).includes(provider)) return []; // said already
    const choice = choiceOf(name, { ...settings.models, namesPath: pathText(path) }, env);
    if ("kind" in choice) return [problemAt("warning", path, choice.message, choice.hint)];
    if (choice.provider.kind.startsWith("openai")) return [];
    const message = `The provider of ${quoted(name)} has no OpenAI-compatible API`;
    return [problemAt("error", path, message, 'name a model of an "openai-compatible" provider')];
  });
}

/** Warns of models whose price is unknown: no limit of money counts them (L5). */
export function costProblems(
  settings: Settings,
  written: unknown,
  env: Env,
  problemAt: ProblemAt,
): Pick<Budgets, "uncounted"> & { readonly problems: readonly Problem[] } {
  const named = modelsIn(settings).map(({ name }) => name).concat(namedModels([], settings.models));
  const models = unpricedModels(settings, named, env).join(", ");
  if (models === "") return { problems: [] };
  const uncounted = `this limit does not count ${models}: no price is known`;
  const warn = (path: readonly Segment[], message: string): Problem =>
    problemAt("warning", path, message, "set models.providers.<provider>.prices, or tokensPerDay");
  const problems = moneyLimits(written).map((path) => warn(path, uncounted));
  return problems.length > 0 || valueAt(written, ["budgets"])
    ? { uncounted, problems }
    : { problems: [warn(["budgets"], `${models}: may cost money, with neither price nor limit`)] };
}

/** The paths of all limits of money. */
function moneyLimits(value: unknown, path: readonly Segment[] = []): readonly (typeof path)[] {
  if (/^moneyPer(?:Day|Month)$/.test(String(path.at(-1)))) return [path];
  return Object.entries(isRecord(value) ? value : {})
    .flatMap(([key, child]) => moneyLimits(child, [...path, key]));
}

function namesIn(written: Settings["agents"]["defaults"]["model"], path: readonly Segment[]) {
  if (written === undefined) return [];
  const names = typeof written === "string" ? [{ name: written, path }] : [
    { name: written.primary, path: [...path, "primary"] },
    ...written.fallbacks.map((name, at) => ({ name, path: [...path, "fallbacks", at] })),
  ];
  return names.map((one) => ({ ...one, provider: one.name.slice(0, one.name.indexOf("/")) }));
}

/**
 * Judges the variables of vendors as the same values of the config, and warns about each key that
 * goes over plain HTTP to a public host (SEC-R9).
 */
export function auditModelVariables(
  { models: { providers } }: Settings,
  env: Env,
  problemAt: ProblemAt,
): readonly Problem[] {
  return VENDORS.flatMap(({ id, keyVariable, urlVariable }) => {
    const written = providers[id];
    if (written?.baseUrl !== undefined || written?.apiKey !== undefined) return [];
    const keyPath = ["models", "providers", id, "apiKey"];
    const urlPath = ["models", "providers", id, "baseUrl"];
    const found: Problem[] = [];
    const add = (...problem: Parameters<ProblemAt>) => void found.push(problemAt(...problem));
    const key = fromEnv(keyVariable, env);
    if (!(key instanceof Secret)) {
      if (!key.isAbsent) add("error", keyPath, key.why, key.hint);
    } else if (isSecretPlaceholder(key.reveal())) {
      const why = `The variable ${keyVariable} is a placeholder`;
      add("error", keyPath, why, `set ${keyVariable} to the key itself`);
    }
    const url = envText(env, urlVariable);
    if (url !== undefined && !baseAddress("").safeParse(url, { jitless: true }).success) {
      const hint = `write it as http://127.0.0.1:11434/v1, and a password into ${keyVariable}`;
      add("error", urlPath, `The variable ${urlVariable} is no address of a server`, hint);
    }
    const host = key instanceof Secret ? openHost(completeAddress(url ?? "")) : undefined;
    if (host !== undefined) {
      const message = `${urlVariable} is plain http to ${host}, ` +
        `so ${keyVariable} crosses the network unencrypted`;
      add("warning", urlPath, message, UNENCRYPTED_HINT);
    }
    return found;
  });
}
