/**
 * Documents the config's keys: descriptions, units and examples.
 *
 * The documents are in a registry of ours. zod's `.meta()` copies the schema of each key, and
 * Barnacle builds the whole schema whenever it starts.
 */

import { z } from "zod";
import { isPrivateHost } from "../../../lib/network/addresses.ts";
import { DEFAULTS } from "./defaults.ts";

/**
 * When a change of a key takes effect (C9).
 *
 * - `now`: with the next message; running turns keep the config with which they began.
 * - `reconnect`: the account reconnects by itself, and resumes its gateway session.
 * - `restart`: with the next start of the process.
 */
export type TakesEffect = "now" | "reconnect" | "restart";

/** The page of `docs/configuration/` that has a key. */
export type ReferencePart =
  | "access"
  | "replies"
  | "models"
  | "agents"
  | "connection"
  | "operating";

export interface KeyDoc {
  /** One to three sentences for the operator: first what the key does. */
  readonly description: string;
  /** That of the section if absent. */
  readonly task?: ReferencePart;
  /** The default, in words, of a key for which the schema has none. */
  readonly unset?: string;
  /** Unit of a number, in the plural: `"seconds"`. */
  readonly unit?: string;
  /** A valid value other than the default. Booleans and single words need none. */
  readonly example?: unknown;
  /** Whether it is one of the keys that people change most. */
  readonly isCommon?: true;
  /** Placeholder for the names in a record: `"<guild>"`. */
  readonly entry?: string;
  /** Config path of the keys that each entry takes, too; so they are documented only there. */
  readonly repeats?: string;
  /** That of the section if absent; at the top, `now`. */
  readonly takesEffect?: TakesEffect;
}

/** When a change takes effect, as a sentence; `undefined` for `now`. */
function effectText({ takesEffect = "now" }: KeyDoc): string | undefined {
  switch (takesEffect) {
    case "now":
      return undefined;
    case "reconnect":
      return "A change makes the account reconnect.";
    case "restart":
      return "A change takes effect at the next start.";
  }
}

/** A key's document as sentences: description, default in words, and effect of a change. */
export function docText(doc: KeyDoc): string {
  const unset = doc.unset === undefined ? undefined : `Default: ${doc.unset}.`;
  return [doc.description, unset, effectText(doc)].filter((part) => part !== undefined).join(" ");
}

export const docs: z.core.$ZodRegistry<KeyDoc> = z.registry<KeyDoc>();

/** Documents a key, and returns its schema unchanged. */
export function key<S extends z.ZodType>(
  schema: S,
  description: string,
  details: Omit<KeyDoc, "description"> = {},
): S {
  const doc: KeyDoc = { description, ...details };
  docs.add<z.ZodType>(schema, doc);
  return schema;
}

/**
 * Documents a key whose absence counts, and whose schema is built on first use. That saves half of
 * all keys at a start.
 *
 * zod would build it to look for a default, so `optin` says that there is none.
 */
export function lazyKey<S extends z.ZodType>(
  build: () => S,
  description: string,
  details: Omit<KeyDoc, "description"> = {},
): z.ZodOptional<z.ZodLazy<S>> {
  const section = z.lazy(build);
  Object.defineProperty(section._zod, "optin", { value: undefined });
  return key(section.optional(), description, details);
}

/** Builds each section, by the name of its defaults. */
export const sections: Map<string, () => z.ZodType> = new Map();

/**
 * Documents a section that is built on first use, too. A config without it has its defaults, which are
 * generated so that they do not need the schema.
 *
 * @param name Of the generated defaults.
 */
export function lazySection<S extends z.ZodType>(
  name: string,
  build: () => S,
  description: string,
  details: Omit<KeyDoc, "description"> = {},
): z.ZodDefault<z.ZodLazy<S>> {
  sections.set(name, build);
  const absent = (): unknown => DEFAULTS[name] ?? build().parse({});
  return key(
    z.lazy(build).default(absent as () => z.util.NoUndefined<z.output<S>>),
    description,
    details,
  );
}

export function whole(least: number, most: number): z.ZodInt {
  return z.int().check(z.gte(least), z.lte(most)); // a chain of methods would make four copies
}

export function amount(least: number, most: number): z.ZodNumber {
  return z.number().check(z.gte(least), z.lte(most));
}

/** Texts of at least one character. */
export function text(): z.ZodString {
  return z.string().min(1);
}

/**
 * Addresses on the web. Barnacle may show them, so they must not hold a password.
 *
 * @param hint Where to write the password.
 */
export function address(hint: string): z.ZodURL {
  return z.url({ protocol: /^https?$/ }).check(withoutPassword(hint));
}

/** The same for a base address, to which paths are added, as {@link completeAddress} makes it. */
export function baseAddress(hint: string): z.ZodString {
  return z.string().check(
    z.overwrite(completeAddress),
    z.url({ protocol: /^https?$/ }),
    withoutPassword(hint),
  );
}

/** A host of an address without a scheme: `localhost`, `[::1]`, `ai.example` or `ollama:11434`. */
const BARE_HOST = /^(?:localhost\b|\[|[\w-]+(?:\.[\w-]+)+|[\w-]+:\d)/;

/** The ends of addresses to which requests go, as their makers' examples show them. */
const ENDPOINT =
  /\/(?:chat\/completions|completions|responses|messages|models(?:\/.*)?|api\/(?:chat|generate|tags))$/;

/**
 * Completes an address that a person has copied. It adds the scheme, which is `http` on a private
 * network only, and removes a slash or an endpoint at its end. A query stays.
 *
 * @returns The text as it is, if it is no address.
 */
export function completeAddress(text: string): string {
  const bare = BARE_HOST.test(text) ? URL.parse(`http://${text}`) : undefined;
  const scheme = bare && (isPrivateHost(bare.hostname) ? "http://" : "https://");
  const [, address = "", query = ""] = /^([^?#]*)(\?[^#]*)?/.exec((scheme ?? "") + text) ?? [];
  return withoutSlash(withoutSlash(address).replace(ENDPOINT, "")) + query;
}

/** An address without slashes at its end. */
export function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

function withoutPassword(hint: string): z.core.$ZodCheck<string> {
  return z.refine((url: string) => !/^https?:\/\/[^/?#]*@/i.test(url), {
    error: "The address must not contain a password",
    params: { hint },
  });
}
