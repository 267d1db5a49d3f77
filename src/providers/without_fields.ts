/**
 * Takes fields out of a request's body that a server refuses, or that the config names (L3).
 *
 * They are those of the request, of its messages, and of their parts and calls. The fields of a tool's
 * schema and of a call's arguments are not the server's: these are objects in objects.
 */

import type { ModelRequest } from "../core/model.ts";

/** The fields that a body must not have, each with the name to write in its place, if any. */
export type Omitted = ModelRequest["omit"];

/** The same body without these fields. */
export function withoutFields<Body extends string | Uint8Array<ArrayBuffer>>(
  body: Body,
  omit: Omitted,
): Body | string {
  return omit?.size ? JSON.stringify(lean(parsed(body), omit)) : body;
}

function lean(value: unknown, omit: NonNullable<Omitted>): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([field, inside]: readonly [string, unknown]) => {
      const name = omit.has(field) ? omit.get(field) : field;
      if (name === undefined || (name !== field && omit.has(name))) return [];
      return [[name, Array.isArray(inside) ? inside.map((one) => lean(one, omit)) : inside]];
    }),
  );
}

/** The names of the fields of a body; `undefined` if it cannot be read. */
export function fieldsIn(body: unknown): ReadonlySet<string> | undefined {
  if (typeof body !== "string" && !(body instanceof Uint8Array)) return undefined;
  const names = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [field, inside] of Object.entries(value)) {
      names.add(field);
      if (Array.isArray(inside)) inside.forEach(walk);
    }
  };
  try {
    walk(parsed(body));
  } catch {
    return undefined; // the bytes are the session's, whose next request may be in them
  }
  return names;
}

function parsed(body: string | Uint8Array): unknown {
  return JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body));
}
