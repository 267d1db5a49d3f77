/** The fourth chapter of a setup: the model that answers, which is really asked. */

import { completeAddress } from "../../../config/schema/parts/key.ts";
import { envText } from "../../../config/schema/parts/secrets.ts";
import { ModelError } from "../../../core/model.ts";
import { modelProblemOf, wordsOf } from "../../../core/model_problem.ts";
import { printable, quoted } from "../../../lib/text/quoted.ts";
import { sizeOf } from "../../../lib/text/units.ts";
import type { ListedModel } from "../../../providers/choice/list_models.ts";
import { priceOf } from "../../../config/model_checks.ts";
import { isPaid, modelIdOf, type ModelSettings } from "../../../providers/settings.ts";
import type { Tested } from "../../model/test.ts";
import type { SetupPorts } from "./setup_ports.ts";
import type { DialogueOption } from "../ports/dialogue.ts";
import {
  type OfferedServer,
  ollamaUrl,
  OTHER_SERVER,
  paidServers,
  REMOTE_OLLAMA,
} from "../ports/model_port.ts";
import type { SetupModel, SetupState } from "../answers/state.ts";

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
export async function askModel(state: SetupState, ports: SetupPorts): Promise<SetupState> {
  const { dialogue, models, env } = ports;
  const local = await dialogue.during("Looking for model servers", () => models.localServers());
  const looked = local.map(({ title, baseUrl, models }) =>
    `${title} at ${baseUrl} ${models ? "answers" : "does not answer"}`
  );
  dialogue.tell(`Looked for a model on this machine: ${looked.join(", ")}`);
  const paid = paidServers(env);
  for (;;) {
    const picked = await pick(local, paid, ports);
    if (picked === "none") {
      dialogue.warn("No model yet. Later: `barnacle config set agents.defaults.model …`");
      return { ...state, model: "none" };
    }
    const reached = picked === "kept" ? keptModel(ports) : await reach(picked, ports);
    const model = reached && await answering(reached, ports);
    if (model) return { ...state, model };
  }
}

/** The model of the config. */
function keptModel({ present: { model: kept } }: SetupPorts): ReachableModel | undefined {
  if (!kept) return undefined;
  const { provider: { id, kind, baseUrl, apiKey: key }, name } = kept;
  const server = { id, title: id, kind, baseUrl, writesUrl: false, needsKey: key !== undefined };
  return { server, key, name, listed: [], kept };
}

/** Offers everything that was found, and everything that can be entered. */
async function pick(
  local: readonly OfferedServer[],
  paid: readonly OfferedServer[],
  { dialogue, env, present }: SetupPorts,
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
async function reach(picked: PickedModel, ports: SetupPorts): Promise<ReachableModel> {
  const { dialogue, models } = ports;
  const { server, name } = picked;
  const baseUrl = server.baseUrl ?? await askAddress(server, ports);
  const { id, kind, needsKey } = server;
  const list = (apiKey?: string) =>
    dialogue.during(`Asking ${baseUrl}`, () => models.list({ id, kind, baseUrl, apiKey }));
  const words = ({ message, modelId }: ModelError) => printable(message.replace(modelId, baseUrl));
  const first = server.models ?? (needsKey ? undefined : await list());
  const failure = first instanceof ModelError ? first : undefined;
  if (failure && !server.baseUrl && /unavailable|timeout/.test(failure.kind)) {
    dialogue.fail(words(failure));
    return await reach(picked, ports);
  }
  const whole = { ...server, baseUrl, needsKey: needsKey || failure?.kind === "unauthorized" };
  const key = await keyFor(whole, ports);
  const answer = key === undefined && first ? first : await list(key);
  const listed = answer instanceof ModelError ? [] : answer;
  if (answer instanceof ModelError && name === undefined) {
    dialogue.warn(`No list of models: ${words(answer)}`);
  }
  return { server: whole, key, name: name ?? await chooseName(whole, listed, ports), listed };
}

async function askAddress({ id }: OfferedServer, { dialogue }: SetupPorts): Promise<string> {
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
  { env, dialogue }: SetupPorts,
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
  { dialogue }: SetupPorts,
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
  ports: SetupPorts,
): Promise<SetupModel | undefined> {
  const { dialogue, models } = ports;
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
    const answer: SetupModel = {
      providerId: id,
      name,
      kind,
      baseUrl: server.writesUrl ? baseUrl : undefined,
      key: isKept ? undefined : key,
      isPaid: isPaid(settings),
      isPriced: (settings.price ?? priceOf(choice, undefined)) !== undefined,
      prices: picked.listed.find((one) => one.name === name)?.prices,
    };
    const tested = await dialogue.during(`Asking ${id}/${name}`, () => models.test(settings));
    if (!tested.failure) {
      return await isWanted(tested, isKept, ports) ? answer : undefined;
    }
    const next = await afterFailure(tested.failure, settings, ports, isPulled);
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
  { dialogue }: SetupPorts,
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
  ports: SetupPorts,
  isPulled: boolean,
): Promise<"again" | "pulled" | "key" | "other" | "anyway"> {
  const { dialogue } = ports;
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
    const pulled = await pull(settings, ports);
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
  ports: SetupPorts,
): Promise<string | undefined> {
  const { dialogue, models } = ports;
  const { origin } = new URL(provider.baseUrl);
  return await dialogue.during(
    `Downloading ${name}`,
    (signal, say) =>
      models.pull(origin, name, signal, ({ status, totalBytes, doneBytes = 0 }) => {
        const part = totalBytes === undefined || !(totalBytes > 0)
          ? status
          : `${Math.floor((doneBytes / totalBytes) * 100)} % of ${sizeOf(totalBytes)}`;
        say(`Downloading ${name}: ${part}`);
      }),
  );
}
