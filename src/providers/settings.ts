/**
 * Settings to reach one model, and the cost of its answers (L5).
 *
 * Servers that report no tokens get an estimate: otherwise no budget would count their answers.
 */

import { createHash } from "node:crypto";
import type { Abilities, Model, ModelPart, ModelRequest, ModelUsage } from "../core/model.ts";
import { microsOf, type Price, tokensIn } from "../core/spending/budget.ts";
import { charsIn } from "../core/model.ts";
import { isPrivateHost } from "../lib/network/addresses.ts";

export interface ProviderSettings {
  /** Name in the config: `"local"`. */
  readonly id: string;
  readonly kind: "openai-compatible" | "openai-responses" | "anthropic" | "google";
  /** `"http://127.0.0.1:11434/v1"`. Without a path, `/v1` is added. */
  readonly baseUrl: string;
  /** Absent if the server needs no key. */
  readonly apiKey?: string;
  /** Headers of every request. Their values count as secrets. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Maximum silence of the server in seconds; absent: by its address. */
  readonly silenceSec?: number;
}

export interface ModelSettings {
  readonly provider: ProviderSettings;
  /** Name at the server: `"qwen3:8b"`. */
  readonly name: string;
  /**
   * Maximum number of tokens of an answer. If absent, the server's own limit counts, or 4096 at
   * Anthropic.
   */
  readonly maxOutputTokens?: number;
  /** Abilities that the config has (L4); the server may tell others. */
  readonly abilities?: Abilities;
  /** Absent if it is unknown. */
  readonly price?: Price;
}

/** `"<provider>/<model>"`, as in the config and the log (L1). */
export function modelIdOf({ provider, name }: ModelSettings): string {
  return `${provider.id}/${name}`;
}

/** Path before the paths of a wire format, which operators may leave out. */
const BASE_PATHS = {
  "openai-compatible": "/v1",
  "openai-responses": "/v1",
  anthropic: "/v1",
  google: "/v1beta",
} as const satisfies Record<ProviderSettings["kind"], string>;

/**
 * Makes the address before a provider's paths.
 *
 * @returns The address, without a slash at the end.
 * @throws {TypeError} If it is not an http or https URL.
 */
export function endpointOf({ baseUrl, kind }: Pick<ProviderSettings, "baseUrl" | "kind">): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) {
    // The message does not repeat the value, because an address may contain a password.
    throw new TypeError("Cannot reach a model: its baseUrl is not an http or https URL");
  }
  const path = url.pathname.replace(/\/+$/, "");
  // Vendors print the addresses of Anthropic's API without its version.
  if (kind === "anthropic") return `${url.origin}${path.replace(/(?<!\/v\d+)$/, "/v1")}`;
  return `${url.origin}${path === "" ? BASE_PATHS[kind] : path}`;
}

/** An address below the provider's, with the query of that one, such as Azure's `api-version`. */
export function withQuery(address: string, { baseUrl }: Pick<ProviderSettings, "baseUrl">): string {
  const own = URL.parse(baseUrl)?.searchParams;
  if (!own?.size) return address;
  const url = new URL(address);
  for (const [name, value] of own) url.searchParams.set(name, value);
  return url.href;
}

/** Parameters of an address whose values are secrets. */
const SECRET_PARAMETER = /key|token|secret|sig|code/i;

/** All texts of a provider that an error must not repeat. */
export function secretsOf({ apiKey, headers, baseUrl }: ProviderSettings): readonly string[] {
  const { username = "", password = "", search = "" } = URL.parse(baseUrl) ?? {};
  const query = search.slice(1).split("&").flatMap((pair) => {
    const [[name = "", value = ""] = []] = new URLSearchParams(pair);
    const raw = pair.slice(pair.indexOf("=") + 1);
    return SECRET_PARAMETER.test(name) ? [value, raw, encodeURIComponent(value)] : [];
  });
  const all = [
    apiKey ?? "",
    // A word such as "true" would make a reason unreadable, and no key is as short.
    ...Object.values(headers ?? {}).filter(({ length }) => length >= 8),
    username,
    password,
    ...query,
  ]
    .map((secret) => secret.replace(/^Bearer /i, ""));
  return [...new Set(all.filter((secret) => secret !== ""))];
}

/** The headers of a request with a body of JSON and the provider's key, if it has one. */
export function bearerHeaders({ apiKey }: ProviderSettings): Readonly<Record<string, string>> {
  return {
    "content-type": "application/json",
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
  };
}

/** Whether the API is one of OpenAI's, with its list of models. */
export function isOpenai({ kind }: ProviderSettings): boolean {
  return kind === "openai-compatible" || kind === "openai-responses";
}

/** Number of hex digits of a value. */
const LENGTH = 32;

/** A text in hex digits, such as a session's key, so that servers do not learn people's ids. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, LENGTH);
}

/** Wraps a model so that the last part of each answer has tokens, and money if it is known. */
export function withPrice(model: Model, settings: ModelSettings): Model {
  const priced = (usage: ModelUsage): ModelUsage => {
    const micros = microsOf(usage, settings.price);
    return micros === undefined ? usage : { ...usage, micros };
  };
  return {
    id: model.id,
    async *generate(request, signal) {
      let chars = 0;
      for await (const part of model.generate(request, signal)) {
        if (part.kind === "text") chars += part.text.length;
        yield part.kind !== "finish"
          ? part
          : { ...part, usage: priced(credible(part.usage) ?? estimate(request, chars, part)) };
      }
    },
  };
}

/** More tokens than any model takes or writes in one request. */
const MAX_TOKENS = 100_000_000;

/** Counts that can be true: a negative one would give a spent budget back, and a huge one spend it. */
function credible(usage: ModelUsage | undefined): ModelUsage | undefined {
  if (!usage) return undefined;
  const { inputTokens, outputTokens, cachedTokens } = usage;
  const isCount = (count: number, most: number) =>
    Number.isInteger(count) && count >= 0 && count <= most;
  if (!isCount(inputTokens, MAX_TOKENS) || !isCount(outputTokens, MAX_TOKENS)) return undefined;
  const isPossible = cachedTokens === undefined || isCount(cachedTokens, inputTokens);
  return isPossible ? usage : { ...usage, cachedTokens: undefined };
}

function estimate(
  request: ModelRequest,
  chars: number,
  { calls = [] }: Extract<ModelPart, { kind: "finish" }>,
): ModelUsage {
  const written = calls.reduce(
    (sum, call) => sum + call.name.length + call.arguments.length,
    chars,
  );
  return {
    inputTokens: tokensIn(charsIn(request)),
    outputTokens: tokensIn(written),
    isEstimate: true,
  };
}

/** Seconds of silence of a hosted server, and of one that may read a prompt for minutes. */
const SILENCE_SEC = { hosted: 60, private: 600 };

/** Milliseconds of a server's longest silence (T1). */
export function silenceMsOf(provider: ProviderSettings): number {
  const { silenceSec = isPaid({ provider }) ? SILENCE_SEC.hosted : SILENCE_SEC.private } = provider;
  return silenceSec * 1_000;
}

/** Whether requests may cost money: the server is not on a private network. */
export function isPaid({ provider: { baseUrl } }: Pick<ModelSettings, "provider">): boolean {
  return !isPrivateHost(URL.parse(baseUrl)?.hostname ?? "");
}
