/** Reads why a server refuses a request, from its `www-authenticate` header (RFC 6750, RFC 9728). */

/** The reason, and what a sign-in should ask for. */
export interface Challenge {
  /** Address of the server's metadata. */
  readonly metadata?: URL;
  /** Scopes that the request needs, with spaces between them. */
  readonly scope?: string;
  /** Whether the token is valid, and has too few scopes for this one request. */
  readonly isScopeMissing?: true;
}

/** Reads the header; without a challenge in it, the result is empty. */
export function readChallenge(header: string | null): Challenge {
  const fieldOf = (name: string) => {
    const found = new RegExp(`(?:^|[,\\s])${name}=(?:"([^"]*)"|([^\\s,"]+))`, "i")
      .exec(header ?? "");
    return found?.[1] ?? found?.[2] ?? "";
  };
  const scope = fieldOf("scope").trim();
  return {
    metadata: URL.parse(fieldOf("resource_metadata")) ?? undefined,
    scope: scope !== "" ? scope : undefined,
    isScopeMissing: fieldOf("error") === "insufficient_scope" || undefined,
  };
}

/** Two lists of scopes as one; `undefined` if both are absent. */
export function scopesOf(one: string | undefined, other: string | undefined): string | undefined {
  const all = [one, other].flatMap((scopes) => scopes?.split(/\s+/) ?? []);
  return all.length > 0 ? [...new Set(all)].join(" ") : undefined;
}
