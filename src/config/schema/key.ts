/**
 * What the schema says of a key beside its type: its words, and whether this version acts on it.
 *
 * The words are kept in a registry of ours and not by `.meta()`, which copies the schema of each
 * key it is called on: the whole of it is built whenever Barnacle starts.
 *
 * @module
 */

import { z } from "zod";

/**
 * Whether this version acts on a key.
 *
 * - `built`: it does.
 * - `later`: it is read and checked, and has no effect.
 * - `denies`: it would let somebody in or keep somebody out; what it asks for is denied.
 */
export type Built = "built" | "later" | "denies";

/**
 * When a change of a key takes effect (C9).
 *
 * - `now`: with the next message; turns that run keep what they began with.
 * - `reconnect`: the account connects anew by itself, and resumes its session.
 * - `restart`: with the next start of the process.
 */
export type TakesEffect = "now" | "reconnect" | "restart";

/** What is known of a key. */
export interface KeyDoc {
  /** One or two sentences for the operator. */
  readonly description: string;
  /** That of the section, where a key says nothing else. */
  readonly built?: Built;
  /** What holds where the key is not written and the schema has no default, in words. */
  readonly unset?: string;
  /** A value for the example, where the schema has no default. */
  readonly example?: unknown;
  /** What a key that is written and denied does in this version. */
  readonly denial?: string;
  /** That of the section, where a key says nothing else; at the top, `now`. */
  readonly takesEffect?: TakesEffect;
}

/** When a change takes effect, as a sentence; `undefined` where that is at once. */
export function effectText({ takesEffect = "now" }: KeyDoc): string | undefined {
  switch (takesEffect) {
    case "now":
      return undefined;
    case "reconnect":
      return "A change makes the account reconnect.";
    case "restart":
      return "A change takes effect at the next start.";
  }
}

/** All keys with what is said of them. */
export const docs = z.registry<KeyDoc>();

/** Documents a key; the schema comes back as it is. */
export function key<S extends z.ZodType>(
  schema: S,
  description: string,
  more: Omit<KeyDoc, "description"> = {},
): S {
  const doc: KeyDoc = { description, ...more };
  docs.add<z.ZodType>(schema, doc);
  return schema;
}

/** Documents a key that this version reads and does nothing with. */
export function later<S extends z.ZodType>(
  schema: S,
  description: string,
  more: Omit<KeyDoc, "description" | "built"> = {},
): S {
  return key(schema, description, { ...more, built: "later" });
}

/**
 * Documents a section whose schema is made when it is first written or asked about: half of all
 * keys are in such sections, and a start should not pay for them. Without it zod would look into
 * it for a default, so it is told that there is none.
 */
export function lazySection<S extends z.ZodType>(
  build: () => S,
  description: string,
  more: Omit<KeyDoc, "description"> = {},
): z.ZodOptional<z.ZodLazy<S>> {
  const section = z.lazy(build);
  Object.defineProperty(section._zod, "optin", { value: undefined });
  return key(section.optional(), description, more);
}

/** The same for a section that this version does nothing with. */
export function laterSection<S extends z.ZodType>(
  build: () => S,
  description: string,
  more: Omit<KeyDoc, "description"> = {},
): z.ZodOptional<z.ZodLazy<S>> {
  return lazySection(build, description, { built: "later", ...more });
}

/** Whole numbers from `least` to `most`. */
export function whole(least: number, most: number): z.ZodInt {
  return z.int().check(z.gte(least), z.lte(most)); // a chain of methods would make four copies
}

/** Numbers from `least` to `most`. */
export function amount(least: number, most: number): z.ZodNumber {
  return z.number().check(z.gte(least), z.lte(most));
}

/** Texts of at least one character. */
export function text(): z.ZodString {
  return z.string().min(1);
}

/** Addresses on the web. What is in them may be shown, so a password goes elsewhere. */
export function address(hint: string): z.ZodURL {
  return z.url({ protocol: /^https?$/ }).refine((url) => !/^https?:\/\/[^/?#]*@/i.test(url), {
    error: "An address must hold no password",
    params: { hint },
  });
}
