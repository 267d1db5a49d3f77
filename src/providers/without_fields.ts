/**
 * Takes fields out of a request's body that a server refuses, or that the config names (L3).
 *
 * They are those of the request, of its messages, and of their parts and calls. The fields of a tool's
 * schema and of a call's arguments are not the server's.
 */

import type { ModelRequest } from "../core/model.ts";
import { isRecord } from "../lib/text/json.ts";

/** The fields that a body must not have, each with the name to write in its place, if any. */
export type Omitted = ModelRequest["omit"];

/** The same body without these fields. */
export function withoutFields<Body extends string | Uint8Array<ArrayBuffer>>(
  body: Body,
  omit: Omitted,
): Body | string {
  return omit?.size ? JSON.stringify(lean(parsed(body), omit)) : body;
}

/** Fields with an object that tools or their callers have made. */
const FOREIGN = /^(?:parameters|input|input_?schema|args|response|json|arguments)$/i;

function lean(value: unknown, omit: NonNullable<Omitted>): unknown {
  if (Array.isArray(value)) return value.map((one) => lean(one, omit));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([field, inside]: readonly [string, unknown]) => {
      if (isForeign(field, inside)) return [[field, inside]];
      const name = omit.has(field) ? omit.get(field) : field;
      if (name === undefined || (name !== field && omit.has(name))) return [];
      return [[name, lean(inside, omit)]];
    }),
  );
}

const isForeign = (field: string, inside: unknown) => FOREIGN.test(field) && !Array.isArray(inside);

function parsed(body: string | Uint8Array): unknown {
  return JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body));
}
