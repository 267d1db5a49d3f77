/** The fourth chapter of a setup: the model that answers, which is really asked, and what it may cost a day. */

import { LOCAL_SERVERS, type ProviderKind, VENDORS } from "../../config/models.ts";
import { priceOf } from "../../config/model_checks.ts";
import { completeAddress } from "../../config/schema/parts/key.ts";
import { envText } from "../../config/schema/parts/secrets.ts";
import { ModelError } from "../../core/model.ts";
import { modelProblemOf, wordsOf } from "../../core/model_problem.ts";
import type { Env } from "../../lib/env.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import { sizeOf } from "../../lib/text/units.ts";
import { type ListedModel, listModels } from "../../providers/choice/list_models.ts";
import { pullModel } from "../../providers/choice/pull_model.ts";
import {
  isPaid,
  modelIdOf,
  type ModelSettings,
  type ProviderSettings,
} from "../../providers/settings.ts";
import { type Tested, testModel } from "../model/test.ts";
import type { LimitAnswer, SetupContext, SetupModel, SetupState } from "./answers.ts";
import type { DialogueOption } from "./dialogue.ts";

interface OfferedServer {
  /** The first part of `<provider>/<model>`. */
  readonly id: string;
  /** Name for people. */
  readonly title: string;
  readonly kind: ProviderKind;
  /** Absent if the user must type it. */
  readonly baseUrl?: string;
  /** Whether the config needs the address: Barnacle does not know it by the provider's name. */
  readonly writesUrl: boolean;
  /** Variable of the environment with the key. */
  readonly keyVariable?: string;
  readonly needsKey: boolean;
  /** The model that the environment names. */
  readonly model?: string;
  /** Models of a server that has answered already. */
  readonly models?: readonly ListedModel[];
}

/** Milliseconds for a server on this machine, and for any other. */
const LOCAL_MS = 1_500;
const LIST_MS = 10_000;

/** OpenAI-compatible services that many people have a key for, beside the vendors. */
const SERVICES = [
  {
    id: "openrouter",
    name: "OpenRouter",
    baseUrl: "https://openrouter.ai/api/v1",
    keyVariable: "OPENROUTER_API_KEY",
  },
  {
    id: "groq",
    name: "Groq",
    baseUrl: "https://api.groq.com/openai/v1",
    keyVariable: "GROQ_API_KEY",
  },
  {
    id: "mistral",
    name: "Mistral",
    baseUrl: "https://api.mistral.ai/v1",
    keyVariable: "MISTRAL_API_KEY",
  },
];

/** The services with a key, those first whose key is in the environment. */
function paidServers(env: Env): readonly OfferedServer[] {
  const hasKey = ({ keyVariable }: OfferedServer): number =>
    keyVariable !== undefined && envText(env, keyVariable) ? 0 : 1;
  const vendors = VENDORS.map((vendor): OfferedServer => {
    const url = envText(env, vendor.urlVariable);
    const model = envText(env, vendor.modelVariable);
    return {
      id: vendor.id,
      title: vendor.name,
      kind: vendor.kind,
      baseUrl: completeAddress(url ?? vendor.baseUrl),
      writesUrl: url !== undefined,
      keyVariable: vendor.keyVariable,
      needsKey: true,
      model,
    };
  });
  const services = SERVICES.map(({ id, name, baseUrl, keyVariable }): OfferedServer => ({
    id,
    title: name,
    kind: "openai-compatible",
    baseUrl,
    writesUrl: true,
    keyVariable,
    needsKey: true,
  }));
  return [...vendors, ...services].sort((one, other) => hasKey(one) - hasKey(other));
}

/** A server whose address the user types. */
const OTHER_SERVER: OfferedServer = {
  id: "custom",
  title: "Another OpenAI-compatible server",
  kind: "openai-compatible",
  writesUrl: true,
  needsKey: false,
};

const REMOTE_OLLAMA: OfferedServer = {
  ...OTHER_SERVER,
  id: "ollama",
  title: "Ollama on another machine",
};

/** Names of local servers for people. */
const TITLES: Readonly<Record<string, string>> = {
  ollama: "Ollama",
  llamacpp: "llama.cpp",
  lmstudio: "LM Studio",
};

/** The models of a server, or why there is no list. */
async function modelsOf(
  provider: ProviderSettings,
  timeoutMs = LIST_MS,
): Promise<readonly ListedModel[] | ModelError> {
  try {
    const models = await listModels(provider, timeoutMs);
    return models.map((model) => ({ ...model, name: printable(model.name) }));
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  }
}

/** The servers of this machine; those that answer have their models. */
async function localServers(env: Env): Promise<readonly OfferedServer[]> {
  return await Promise.all(LOCAL_SERVERS.map(async (known): Promise<OfferedServer> => {
    const { id, kind } = known;
    const baseUrl = (id === "ollama" ? ollamaUrl(env) : undefined) ?? known.baseUrl;
    const answer = await modelsOf({ id, kind, baseUrl }, LOCAL_MS);
    const models = answer instanceof ModelError ? undefined : answer;
    const writesUrl = baseUrl !== known.baseUrl;
    return { id, title: TITLES[id] ?? id, kind, baseUrl, writesUrl, needsKey: false, models };
  }));
}

const OLLAMA_PORT = "11434";

/** The address in `OLLAMA_HOST`, as Ollama's own programs read it; `undefined` without one. */
export function ollamaUrl(env: Env): string | undefined {
  const host = env["OLLAMA_HOST"]?.trim();
  if (!host) return undefined;
  const url = URL.parse(/^https?:\/\//.test(host) ? host : `http://${host}`);
  if (!url) return undefined;
  const isEverywhere = url.hostname === "0.0.0.0" || url.hostname === "[::]"; // where it listens
  const port = url.port || (/^https?:/.test(host) ? "" : OLLAMA_PORT);
  return `${url.protocol}//${isEverywhere ? "127.0.0.1" : url.hostname}${port && `:${port}`}/v1`;
}

/** A server, and one of its models if it is chosen already. */
interface PickedModel {
  readonly server: OfferedServer;
  readonly name?: string;
}

/** A picked model with address and key. */
interface ReachableModel {
  readonly server: OfferedServer & { readonly baseUrl: string };
  readonly key?: string;
  readonly name: string;
  readonly listed: readonly ListedModel[];
  /** The config's own settings, which stay. */
  readonly kept?: ModelSettings;
}

/** Models of a local server that are options of their own. */
const SHOWN_MAX = 8;

/** A small model that calls tools, for an Ollama that has none. */
const FIRST_MODEL = "qwen3:8b";

/** Finds or asks for the model, and tests it until one answers. */
export async function askModel(state: SetupState, setup: SetupContext): Promise<SetupState> {
  const { dialogue, io: { env } } = setup;
  const local = await dialogue.during("Looking for model servers", () => localServers(env));
  const looked = local.map(({ title, baseUrl, models }) =>
    `${title} at ${baseUrl} ${models ? "answers" : "does not answer"}`
  );
  dialogue.tell(`Looked for a model on this machine: ${looked.join(", ")}`);
  const paid = paidServers(env);
  for (;;) {
    const picked = await pick(local, paid, setup);
    if (picked === "none") {
      dialogue.warn("No model yet. Later: `barnacle config set agents.defaults.model …`");
      return { ...state, model: "none" };
    }
    const reached = picked === "kept" ? keptModel(setup) : await reach(picked, setup);
    const model = reached && await answering(reached, setup);
    if (model) return { ...state, model };
  }
}

/** The model of the config. */
function keptModel({ present: { model: kept } }: SetupContext): ReachableModel | undefined {
  if (!kept) return undefined;
  const { provider: { id, kind, baseUrl, apiKey: key }, name } = kept;
  const server = { id, title: id, kind, baseUrl, writesUrl: false, needsKey: key !== undefined };
  return { server, key, name, listed: [], kept };
}

/** Offers everything that was found, and everything that can be entered. */
async function pick(
  local: readonly OfferedServer[],
  paid: readonly OfferedServer[],
  { dialogue, io: { env }, present }: SetupContext,
): Promise<PickedModel | "kept" | "none"> {
  type Option = DialogueOption<PickedModel | "kept" | "none">;
  const found = local.flatMap((server): readonly Option[] => {
    const { title, models } = server;
    if (!models) return [];
    const hint = `${title} on this machine`;
    const named = models.slice(0, SHOWN_MAX).map(({ name }): Option => ({
      value: { server, name },
      label: name,
      hint,
    }));
    if (server.id !== "ollama") return named;
    if (models.length === 0) {
      const label = `${FIRST_MODEL}, which Ollama downloads (5 GB)`;
      return [{ value: { server, name: FIRST_MODEL }, label, hint }];
    }
    return [...named, { value: { server }, label: "Another model of Ollama", hint }];
  });
  const services = paid.map((server): Option => {
    const { keyVariable = "" } = server;
    const hasKey = Boolean(env[keyVariable]?.trim());
    const label = hasKey ? `${server.title}, with ${keyVariable} of the environment` : server.title;
    return { value: { server }, label, hint: hasKey ? "" : "you need an API key" };
  });
  return await dialogue.choose<PickedModel | "kept" | "none">({
    message: "Which model answers?",
    options: [
      ...present.model
        ? [{ value: "kept" as const, label: `Keep ${modelIdOf(present.model)}` }]
        : [],
      ...found,
      ...services,
      ...[REMOTE_OLLAMA, OTHER_SERVER].map((server) => (
        { value: { server }, label: server.title, hint: "you type its address" }
      )),
      { value: "none", label: "Later" },
    ],
  });
}

/** Adds address, key and name. An address is tried before the user is asked for a key. */
async function reach(picked: PickedModel, setup: SetupContext): Promise<ReachableModel> {
  const { dialogue } = setup;
  const { server, name } = picked;
  const baseUrl = server.baseUrl ?? await askAddress(server, setup);
  const { id, kind, needsKey } = server;
  const list = (apiKey?: string) =>
    dialogue.during(`Asking ${baseUrl}`, () => modelsOf({ id, kind, baseUrl, apiKey }));
  const words = ({ message, modelId }: ModelError) => printable(message.replace(modelId, baseUrl));
  const first = server.models ?? (needsKey ? undefined : await list());
  const failure = first instanceof ModelError ? first : undefined;
  if (failure && !server.baseUrl && /unavailable|timeout/.test(failure.kind)) {
    dialogue.fail(words(failure));
    return await reach(picked, setup);
  }
  const whole = { ...server, baseUrl, needsKey: needsKey || failure?.kind === "unauthorized" };
  const key = await keyFor(whole, setup);
  const answer = key === undefined && first ? first : await list(key);
  const listed = answer instanceof ModelError ? [] : answer;
  if (answer instanceof ModelError && name === undefined) {
    dialogue.warn(`No list of models: ${words(answer)}`);
  }
  return { server: whole, key, name: name ?? await chooseName(whole, listed, setup), listed };
}

async function askAddress({ id }: OfferedServer, { dialogue }: SetupContext): Promise<string> {
  const isOllama = id === REMOTE_OLLAMA.id;
  const complete = (text: string) =>
    isOllama ? ollamaUrl({ OLLAMA_HOST: text }) ?? "" : completeAddress(text.trim());
  return complete(
    await dialogue.text({
      message: "Address of the server",
      placeholder: isOllama ? "192.168.1.5" : "http://192.168.1.5:8000/v1",
      check: (text) => addressFault(complete(text)),
    }),
  );
}

/** Why a text is no address of a server; `undefined` if it is one. */
export function addressFault(text: string): string | undefined {
  const url = URL.parse(completeAddress(text.trim()));
  if (!url || !/^https?:$/.test(url.protocol)) {
    return "This is no http or https address, such as http://192.168.1.5:8000/v1";
  }
  if (url.username !== "" || url.password !== "") {
    return "Leave name and password out of the address; setup asks for a key";
  }
  return undefined;
}

/** Why a text is no API key; `undefined` if only its server can tell. */
export function keyFault(text: string): string | undefined {
  const key = text.trim();
  if (key === "") return "No text came. Copy the key again, and paste it here";
  if (/\s/.test(key)) {
    return "A key has no spaces and line breaks. Copy it again, without other words";
  }
  return /^[\x21-\x7e]+$/.test(key) ? undefined : "A key has plain characters only. Copy it again";
}

/** The key of the environment, or of the user. */
async function keyFor(
  { title, keyVariable, needsKey }: OfferedServer,
  { io: { env }, dialogue }: SetupContext,
): Promise<string | undefined> {
  const own = keyVariable === undefined ? undefined : envText(env, keyVariable);
  if (own) return own;
  if (!needsKey) return undefined;
  const message = `API key of ${title} (not shown)`;
  return (await dialogue.secret({ message, check: keyFault })).trim();
}

/** The model to suggest, of the vendors' many: small ones that know tools. */
const SUGGESTED = /^gpt-[\d.]+-mini$|^claude-sonnet|^gemini-[\d.]+-flash$|^mistral-small-latest$/;

async function chooseName(
  { title, model }: OfferedServer,
  listed: readonly ListedModel[],
  { dialogue }: SetupContext,
): Promise<string> {
  const other = "another name" as const;
  if (listed.length > 0) {
    const names = listed.map(({ name }) => name);
    const initial = names.find((name) => name === model) ??
      names.filter((name) => SUGGESTED.test(name)).sort().at(-1);
    const chosen = await dialogue.choose<string>({
      message: `Which model of ${title}?`,
      initial,
      options: [
        ...names.map((name) => ({ value: name, label: name })),
        { value: other, label: "Another name" },
      ],
    });
    if (chosen !== other) return chosen;
  }
  return await dialogue.text({
    message: `Name of the model at ${title}`,
    fallback: model,
    placeholder: model ?? FIRST_MODEL,
    check: (text) =>
      text.trim() === "" || /\s/.test(text.trim())
        ? "Type the model's name, without spaces"
        : undefined,
  });
}

/** Tests a model. @returns `undefined` if the user wants to choose another one. */
async function answering(
  picked: ReachableModel,
  setup: SetupContext,
): Promise<SetupModel | undefined> {
  const { dialogue } = setup;
  let { key } = picked;
  let isPulled = false;
  const { server, name, kept } = picked;
  for (;;) {
    const { id, kind, baseUrl } = server;
    const isKept = kept !== undefined && key === kept.provider.apiKey;
    const settings: ModelSettings = isKept
      ? kept
      : { provider: { id, kind, baseUrl, apiKey: key }, name };
    const choice = { provider: { id, kind, baseUrl, headers: {} }, model: name };
    const prices = picked.listed.find((one) => one.name === name)?.prices;
    const answer: SetupModel = {
      providerId: id,
      name,
      kind,
      baseUrl: server.writesUrl ? baseUrl : undefined,
      key: isKept ? undefined : key,
      isPaid: isPaid(settings),
      isPriced: (settings.price ?? prices ?? priceOf(choice, undefined)) !== undefined,
      prices,
    };
    const tested = await dialogue.during(`Asking ${id}/${name}`, () => testModel(settings));
    if (!tested.failure) {
      return await isWanted(tested, isKept, setup) ? answer : undefined;
    }
    const next = await afterFailure(tested.failure, settings, setup, isPulled);
    isPulled ||= next === "pulled";
    if (next === "anyway") return answer;
    if (next === "other") return undefined;
    if (next === "key") {
      const message = `API key of ${server.title} (not shown)`;
      key = (await dialogue.secret({ message, check: keyFault })).trim();
    }
  }
}

/** Says what a model can do. Without tools, the user may want another one. */
async function isWanted(
  { model, tried, abilities }: Tested,
  isKept: boolean,
  { dialogue }: SetupContext,
): Promise<boolean> {
  if (!tried) return true;
  const { totalMs, firstMs, tools, images } = tried;
  const word = (has: boolean) => has ? "yes" : "no";
  dialogue.ok(
    `${model} answered in ${seconds(totalMs)} (first token ${seconds(firstMs)}), ` +
      `tools: ${word(tools)}, images: ${word(images)}`,
  );
  if (tried.secondStep === false) {
    dialogue.warn("After a tool's result, it gave no answer: `barnacle model test` says why");
  }
  if (tools || abilities.tools === true) return true;
  dialogue.warn("Reminders, memory and other tools need a model that can call tools");
  return !await dialogue.confirm({ message: "Choose another one?", initial: !isKept });
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

/** Says why a model does not answer, and asks what to do. */
async function afterFailure(
  failure: ModelError,
  settings: ModelSettings,
  setup: SetupContext,
  isPulled: boolean,
): Promise<"again" | "pulled" | "key" | "other" | "anyway"> {
  const { dialogue } = setup;
  const { provider, name } = settings;
  const problem = modelProblemOf(failure);
  const isMissing = failure.kind === "not_found" && provider.id === "ollama";
  const place = `${name} at ${provider.baseUrl}`; // no id that setup has made up
  const why = isMissing ? `Ollama has no model ${quoted(name)}` : printable(
    problem
      ? `${place}: ${problem.why}${wordsOf(failure)}`
      : failure.message.replace(failure.modelId, place),
  );
  const fix = problem && !isMissing ? printable(problem.fix) : undefined;
  dialogue.fail(why);
  if (fix !== undefined) dialogue.tell(fix);
  // A server that has downloaded the model and still lacks it would have it downloaded without an end.
  const mayPull = isMissing && !isPulled && await dialogue.confirm({
    message: `Download it now (ollama pull ${name})?`,
  });
  if (mayPull) {
    const pulled = await pull(settings, setup);
    if (pulled === undefined) return "pulled";
    dialogue.fail(`Not downloaded: ${pulled}`);
  }
  const mayNeedKey = provider.apiKey !== undefined || failure.kind === "unauthorized";
  return await dialogue.choose<"again" | "key" | "other" | "anyway">({
    message: "What now?",
    initial: failure.kind === "unauthorized" ? "key" : problem ? "other" : "again",
    options: [
      { value: "again", label: "Try again" },
      ...mayNeedKey ? [{ value: "key" as const, label: "Enter another key" }] : [],
      { value: "other", label: "Choose another model" },
      { value: "anyway", label: "Use it all the same" },
    ],
  });
}

/** Downloads a model. @returns The problem, or `undefined`. */
async function pull(
  { provider, name }: ModelSettings,
  { dialogue }: SetupContext,
): Promise<string | undefined> {
  const { origin } = new URL(provider.baseUrl);
  return await dialogue.during(
    `Downloading ${name}`,
    (signal, say) =>
      pullModel(origin, name, {
        signal,
        onProgress({ status, totalBytes, doneBytes = 0 }) {
          const part = totalBytes === undefined || !(totalBytes > 0)
            ? status
            : `${Math.floor((doneBytes / totalBytes) * 100)} % of ${sizeOf(totalBytes)}`;
          say(`Downloading ${name}: ${part}`);
        },
      }),
  );
}

/** The limit of a user who presses Enter, in dollars. */
const DEFAULT_MONEY = "2.00";

/** That for a model whose price is unknown. */
const DEFAULT_TOKENS = "1000000 tokens";

const MONEY_MAX = 1_000_000;

/** Reads a limit: an amount, if the model has a price; `none`, or a number of tokens. */
export function readLimit(
  typed: string,
  isPriced: boolean,
): { readonly limit: LimitAnswer } | { readonly problem: string } {
  const text = typed.trim().toLowerCase().replace(/^(?:usd|\$)\s*|\s*(?:usd|\$|dollars?)$/g, "");
  if (text === "none") return { limit: { kind: "none" } };
  const tokens = /^([\d_,. ]+?)\s*tokens?$/.exec(text)?.[1]?.replace(/[_,. ]/g, "");
  if (tokens !== undefined) {
    const count = Number(tokens);
    return Number.isSafeInteger(count) && count > 0
      ? { limit: { kind: "tokens", perDay: count } }
      : { problem: "Give a number of tokens above 0, such as 1000000 tokens" };
  }
  if (!isPriced) return { problem: "Write a number of tokens, such as 1000000 tokens, or none" };
  const amount = /^\d{1,9}(?:[.,]\d{1,6})?$/.test(text)
    ? Number(text.replace(",", "."))
    : undefined;
  if (amount === undefined) {
    return {
      problem: "This is no amount. Write dollars, such as 2.00, or 1000000 tokens, or none",
    };
  }
  if (amount === 0) {
    return { problem: "With 0 the bot would never answer. For no limit, write none" };
  }
  if (amount > MONEY_MAX) return { problem: "The limit can be at most 1,000,000" };
  return { limit: { kind: "money", perDay: amount } };
}

/**
 * Asks how much a paid model may cost each day. Barnacle counts money only for models whose prices it
 * knows; for others, it counts tokens.
 */
export async function askLimit(
  state: SetupState,
  { dialogue, present }: SetupContext,
): Promise<SetupState> {
  const { model } = state;
  if (!model || model === "none") return state;
  const { isPriced, prices } = model;
  const isFit = present.limit !== undefined && "limit" in readLimit(present.limit, isPriced);
  const answer = await dialogue.text({
    message: isPriced
      ? "Daily spend limit in dollars"
      : `Daily limit; the price of ${model.name} is unknown, so in tokens`,
    fallback: isFit ? present.limit : isPriced ? DEFAULT_MONEY : DEFAULT_TOKENS,
    check(text) {
      const read = readLimit(text, isPriced);
      return "problem" in read ? read.problem : undefined;
    },
  });
  const read = readLimit(answer, isPriced);
  const limit: LimitAnswer = "problem" in read
    ? { kind: "none" }
    : read.limit.kind === "money"
    ? { ...read.limit, prices }
    : read.limit;
  if (limit.kind === "none") dialogue.warn("No limit: the provider's own limits count alone");
  if (limit.kind === "tokens") {
    dialogue.ok(`At most ${limit.perDay.toLocaleString("en")} tokens a day`);
  }
  if (limit.kind === "money") dialogue.ok(`At most $${limit.perDay.toFixed(2)} a day`);
  return { ...state, limit };
}
