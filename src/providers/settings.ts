/**
 * What must be known to reach one model.
 *
 * @module
 */

export interface ProviderSettings {
  /** As the config names it: `"local"`. */
  readonly id: string;
  readonly kind: "openai-compatible" | "anthropic";
  /** `"http://127.0.0.1:11434/v1"`; of a bare host, `/v1` is taken. */
  readonly baseUrl: string;
  /** Absent where the server wants none. */
  readonly apiKey?: string;
  /** Sent with every request; their values are taken for secrets. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ModelSettings {
  readonly provider: ProviderSettings;
  /** As the server names it: `"llama3.2:3b"`. */
  readonly name: string;
  /** Tokens that one answer may have; absent for the server's own limit, or 4096 at Anthropic. */
  readonly maxOutputTokens?: number;
}

/** `"<provider>/<model>"`, as the config and the log have it (L1). */
export function modelIdOf({ provider, name }: ModelSettings): string {
  return `${provider.id}/${name}`;
}

/**
 * The address that a provider's paths are joined to.
 *
 * Both formats live under `/v1`, and people write it or not.
 *
 * @returns Without a slash at the end.
 * @throws {TypeError} If it is no http or https URL.
 */
export function endpointOf(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) {
    // The value stays out of the message: an address may hold a password.
    throw new TypeError("Cannot reach a model: its baseUrl is no http or https URL");
  }
  const path = url.pathname.replace(/\/+$/, "");
  return `${url.origin}${path === "" ? "/v1" : path}`;
}

/** Everything that must not be repeated in an error. */
export function secretsOf({ apiKey, headers, baseUrl }: ProviderSettings): readonly string[] {
  const { username, password } = URL.canParse(baseUrl)
    ? new URL(baseUrl)
    : { username: "", password: "" };
  return [apiKey ?? "", ...Object.values(headers ?? {}), username, password]
    .map((secret) => secret.replace(/^Bearer /i, ""))
    .filter((secret) => secret !== "");
}
