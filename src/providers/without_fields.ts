/** Takes fields out of a request's body that a server refuses, or that the config names (L3). */

import type { ModelRequest } from "../core/model.ts";
import { fieldsOf } from "./answer_parts.ts";

/** The fields that a body must not have. */
export type Omitted = ModelRequest["omit"];

/**
 * The same body without these fields: of the request, of its messages, and of their parts and calls.
 * The fields of a tool's schema and of a call's arguments are not the server's, and stay.
 */
export function withoutFields<Body extends string | Uint8Array<ArrayBuffer>>(
  body: Body,
  omit: Omitted,
): Body | string {
  if (!omit?.size) return body;
  const text = typeof body === "string" ? body : new TextDecoder().decode(body);
  return JSON.stringify(lean(JSON.parse(text), omit));
}

function lean(value: unknown, omit: NonNullable<Omitted>): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(fieldsOf(value)).flatMap(([field, inside]) => {
      const name = omit.has(field) ? omit.get(field) : field;
      if (name === undefined || (name !== field && omit.has(name))) return [];
      return [[name, Array.isArray(inside) ? inside.map((one) => lean(one, omit)) : inside]];
    }),
  );
}
