/**
 * Settings to reach one model.
 *
 * @module
 */

/** Settings of a provider: a server with models. */
export interface ProviderSettings {
  /** Name in the config: `"local"`. */
  readonly id: string;
  /** Wire format of its API. */
  readonly kind: "openai-compatible" | "anthropic";
  /** `"http://127.0.0.1:11434/v1"`. Without a path, `/v1` is added. */
  readonly baseUrl: string;
  /** Absent if the server needs no key. */
  readonly apiKey?: string;
  /** Headers of every request. Their values count as secrets. */
  readonly headers?: Readonly<Record<string, string>>;
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
}

/** `"<provider>/<model>"`, as in the config and the log (L1). */
export function modelIdOf({ provider, name }: ModelSettings): string {
  return `${provider.id}/${name}`;
}

/**
 * Makes the address before a provider's paths. Both wire formats have their paths under `/v1`,
 * which operators may leave out.
 *
 * @returns The address, without a slash at the end.
 * @throws {TypeError} If it is not an http or https URL.
 */
export function endpointOf(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) {
    // The message does not repeat the value, because an address may contain a password.
    throw new TypeError("Cannot reach a model: its baseUrl is not an http or https URL");
  }
  const path = url.pathname.replace(/\/+$/, "");
  return `${url.origin}${path === "" ? "/v1" : path}`;
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
