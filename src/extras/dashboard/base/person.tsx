/** Shows a person by name and id. */

/** @jsxImportSource hono/jsx */

import type { Paired } from "../../../core/inbound/pairing.ts";
import type { PageView } from "./page.ts";

/** A name is no identity: two people may have the same one. */
export function nameOf({ userId, username }: Pick<Paired, "userId" | "username">): string {
  return `${username}, ${userId}`;
}

/** A name, which anyone may take, and the id, which no one can. */
export function Person({ id, name }: { id: string; name: string }): PageView {
  return (
    <>
      {name} <code>{id}</code>
    </>
  );
}
