/**
 * Settings to reach one model.
 *
 * @module
 */

import type { Abilities } from "../core/abilities.ts";
import type { Price } from "../core/spending/usage.ts";

/** Settings of a provider: a server with models. */
export interface ProviderSettings {
  /** Name in the config: `"local"`. */
  readonly id: string;
  /** Wire format of its API. */
  readonly kind: "openai-compatible" | "anthropic" | "google";
  /** `"http://127.0.0.1:11434/v1"`. Without a path, `/v1` is added. */
  readonly baseUrl: string;
  /** Absent if the server needs no key. */
  readonly apiKey?: string;
  /** Headers of every request. Their values count as secrets. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Name of the header that carries a hash of the session's key; absent: none does. */
  readonly sessionHeader?: string;
}

/** Settings of one model. */
export interface ModelSettings {
  /** The server with the model. */
  readonly provider: ProviderSettings;
  /** Name at the server: `"llama3.2:3b"`. */
  readonly name: string;
  /**
   * Maximum number of tokens of an answer. If absent, the server's own limit counts, or 4096 at
   * Anthropic.
   */
  readonly maxOutputTokens?: number;
  /** Abilities that the config has (L4); the server may tell others. */
  readonly abilities?: Abilities;
  /** Absent if the config has none. */
  readonly price?: Price;
}

/** `"<provider>/<model>"`, as in the config and the log (L1). */
export function modelIdOf({ provider, name }: ModelSettings): string {
  return `${provider.id}/${name}`;
}

/** Path before the paths of a wire format, which operators may leave out. */
const BASE_PATHS = {
  "openai-compatible": "/v1",
  anthropic: "/v1",
  google: "/v1beta",
} as const satisfies Record<ProviderSettings["kind"], string>;

/**
 * Makes the address before a provider's paths.
 *
 * @returns The address, without a slash at the end.
 * @throws {TypeError} If it is not an http or https URL.
 */
export function endpointOf(
  { baseUrl, kind }: Pick<ProviderSettings, "baseUrl" | "kind">,
): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) {
    // The message does not repeat the value, because an address may contain a password.
    throw new TypeError("Cannot reach a model: its baseUrl is not an http or https URL");
  }
  const path = url.pathname.replace(/\/+$/, "");
  return `${url.origin}${path === "" ? BASE_PATHS[kind] : path}`;
}

/** All texts of a provider that an error must not repeat. */
export function secretsOf({ apiKey, headers, baseUrl }: ProviderSettings): readonly string[] {
  const { username, password } = URL.canParse(baseUrl)
    ? new URL(baseUrl)
    : { username: "", password: "" };
  return [apiKey ?? "", ...Object.values(headers ?? {}), username, password]
    .map((secret) => secret.replace(/^Bearer /i, ""))
    .filter((secret) => secret !== "");
}
