/** Asks a server whether it has a model, by its list of models. This spends no tokens. */

import { parseForeignJson } from "../../lib/text/quoted.ts";
import { z } from "zod";
import { ModelError } from "../../core/model.ts";
import type { ModelCheck } from "../../core/model_problem.ts";
import { endpointOf, modelIdOf, type ModelSettings, secretsOf, withQuery } from "../settings.ts";
import { createWire } from "../wire.ts";

/** A list of models; some servers send `null` for an empty one. */
const listSchema = z.looseObject({
  data: z.array(z.looseObject({ id: z.string(), owned_by: z.string().nullish() })).nullable(),
});

/** One model, as Anthropic's and Google's APIs describe it. */
const oneSchema = z.lazy(() =>
  z.looseObject({ id: z.string().optional(), name: z.string().optional() })
    .refine(({ id, name }) => id !== undefined || name !== undefined)
    .transform(({ id, name = "" }) => ({ data: [{ id: id ?? name.replace(/^models\//, "") }] }))
);

/** The vendors' own servers need a key, and list each model. */
const VENDOR_HOSTS: ReadonlySet<string> = new Set([
  "api.openai.com",
  "api.anthropic.com",
  "generativelanguage.googleapis.com",
]);

/** Port of Ollama, whose list is complete. */
const OLLAMA_PORT = "11434";

/** Anthropic's API requires its version in each request. */
const ANTHROPIC_VERSION = { "anthropic-version": "2023-06-01" };

/** Statuses of a server without such a path. */
const NO_SUCH_PATH: ReadonlySet<number | undefined> = new Set([404, 405, 501]);

/** A server has three times its longest silence for a whole answer: one that drips never ends. */
const WHOLE_TIMES = 3;

/** Maximum number of other models in the result. */
const OTHERS_MAX = 5;

/**
 * Asks the server. Failures are results.
 *
 * @param silenceMs Milliseconds of the server's longest silence; a third of the time for an answer.
 * @throws {TypeError} If the provider's `baseUrl` is not an http or https URL.
 */
export async function checkModel(settings: ModelSettings, silenceMs: number): Promise<ModelCheck> {
  const { provider, name } = settings;
  const url = new URL(endpointOf(provider));
  const { origin: server } = url;
  const isVendor = VENDOR_HOSTS.has(url.hostname);
  try {
    const models = await readModels(settings, silenceMs, credentialsOf(settings));
    // Ollama takes a name without a tag for the newest. Anthropic resolves aliases of its models.
    const isListed = hasOneModel(provider) ||
      models.some(({ id }) => id === name || id === `${name}:latest`);
    if (isListed) {
      return { kind: "listed", server, key: await keyOf(settings, silenceMs, isVendor) };
    }
    const isOllama = provider.id === "ollama" || url.port === OLLAMA_PORT ||
      models.some(({ owned_by }) => owned_by === "library");
    const others = models.slice(0, OTHERS_MAX).map(({ id }) => id);
    return { kind: "unlisted", server, others, isCertain: isVendor || isOllama };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const { kind, message, status, redirectedTo, said } = error;
    if (isVendor && hasOneModel(provider) && status === 404) {
      return { kind: "unlisted", server, others: [], isCertain: true };
    }
    if (NO_SUCH_PATH.has(status) || kind === "not_an_answer") return { kind: "no_list", server };
    const modelId = modelIdOf(settings);
    const failure = { kind, modelId, redirectedTo, said };
    return { kind: "failed", server, failure, message };
  }
}

/** Whether the server has accepted the key: only if it refuses a request without one. */
async function keyOf(
  settings: ModelSettings,
  silenceMs: number,
  isVendor: boolean,
): Promise<"accepted" | "unknown" | "none"> {
  if (Object.keys(credentialsOf(settings)).length === 0) return "none";
  if (isVendor) return "accepted";
  try {
    await readModels(settings, silenceMs, {});
    return "unknown";
  } catch (error) {
    return error instanceof ModelError && error.kind === "unauthorized" ? "accepted" : "unknown";
  }
}

/**
 * Reads the list of models; at Anthropic and Google, the one model.
 *
 * @throws {ModelError} If the server refuses, or sends something else.
 */
async function readModels(
  settings: ModelSettings,
  silenceMs: number,
  credentials: Readonly<Record<string, string>>,
): Promise<readonly { readonly id: string; readonly owned_by?: string | null | undefined }[]> {
  const { provider, name } = settings;
  const isOne = hasOneModel(provider);
  const url = `${endpointOf(provider)}${isOne ? `/models/${encodeURIComponent(name)}` : "/models"}`;
  const parsed = (isOne ? oneSchema : listSchema)
    .safeParse(parseForeignJson(await readAbout(url, settings, silenceMs, credentials)), {
      jitless: true, // compiling takes longer
    });
  if (parsed.success) return parsed.data.data ?? [];
  const modelId = modelIdOf(settings);
  throw new ModelError(`${modelId}: the server has no list of models`, {
    kind: "not_an_answer",
    modelId,
  });
}

/**
 * Asks a model's server about itself.
 *
 * @param body Sent as JSON, if there is one.
 * @returns The body of its answer.
 * @throws {ModelError} If the server refuses, or does not answer in time.
 */
export async function readAbout(
  url: string,
  settings: ModelSettings,
  silenceMs: number,
  credentials: Readonly<Record<string, string>>,
  body?: object,
): Promise<string> {
  const { provider } = settings;
  const modelId = modelIdOf(settings);
  const wholeMs = WHOLE_TIMES * silenceMs;
  const limit = AbortSignal.timeout(wholeMs);
  const wire = createWire({ modelId, secrets: secretsOf(provider), silenceMs }, limit);
  try {
    const headers = {
      ...(provider.kind === "anthropic" && ANTHROPIC_VERSION),
      ...(body && { "content-type": "application/json" }),
      ...credentials,
    };
    const written = body && { method: "POST", body: JSON.stringify(body) };
    await wire.send(withQuery(url, provider), { headers, ...written });
    const decoder = new TextDecoder();
    let text = "";
    for (let bytes = await wire.read(); bytes; bytes = await wire.read()) {
      text += decoder.decode(bytes, { stream: true });
    }
    return text;
  } catch (error) {
    if (!limit.aborted || error instanceof ModelError) throw error;
    const message = `${modelId} did not end its answer within ${wholeMs / 1_000} s`;
    throw new ModelError(message, { kind: "timeout", modelId, cause: error });
  } finally {
    wire.close();
  }
}

/** Whether the API describes one model by its name, which may be an alias. */
function hasOneModel({ kind }: ModelSettings["provider"]): boolean {
  return kind === "anthropic" || kind === "google";
}

const KEY_HEADERS = {
  "openai-compatible": "authorization",
  "openai-responses": "authorization",
  anthropic: "x-api-key",
  google: "x-goog-api-key",
} as const;

/** The headers that identify the operator to the server; none if it needs no key. */
export function credentialsOf({ provider }: ModelSettings): Readonly<Record<string, string>> {
  const { kind, apiKey, headers = {} } = provider;
  const value = KEY_HEADERS[kind] === "authorization" ? `Bearer ${apiKey}` : apiKey;
  const own = value === undefined || apiKey === undefined ? {} : { [KEY_HEADERS[kind]]: value };
  const written = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return { ...own, ...Object.fromEntries(written) };
}
