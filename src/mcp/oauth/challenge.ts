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

/**
 * The resource that a token is for, as the server's metadata names it.
 *
 * @throws {Error} If it is neither the server nor above it. A slash at the end does not matter.
 */
export function resourceOf(server: URL | string, named: string | undefined): URL {
  const [own, resource] = [new URL(server), new URL(named ?? server)];
  const folderOf = ({ pathname }: URL) => pathname.replace(/\/?$/, "/");
  if (resource.origin !== own.origin || !folderOf(own).startsWith(folderOf(resource))) {
    throw new Error(`Protected resource ${resource} does not match expected ${own}`);
  }
  resource.hash = "";
  return resource;
}
